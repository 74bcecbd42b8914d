package keeper

import (
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// logEvery is how often one thing is worth a line in the log.
const logEvery = time.Minute

// complaints says each thing once in a while.
type complaints struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (c *complaints) say(message string, err error) {
	if !c.due(message) {
		return
	}
	entry := logrus.NewEntry(logrus.StandardLogger())
	if err != nil {
		entry = entry.WithError(err)
	}
	entry.Warn(message)
}

func (c *complaints) info(message string, fields logrus.Fields) {
	if c.due(message) {
		logrus.WithFields(fields).Info(message)
	}
}

func (c *complaints) due(message string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if last, ok := c.last[message]; ok && now.Sub(last) < logEvery {
		return false
	}
	if c.last == nil {
		c.last = map[string]time.Time{}
	}
	c.last[message] = now
	return true
}
