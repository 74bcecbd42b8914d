package store

import (
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// logEvery is how often one thing is worth a line in the log.
const logEvery = time.Minute

// Complaints says each thing once a minute, however often it happens: metrics count it. Its zero value is ready.
type Complaints struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// Warn says what is wrong. The same with another cause is another thing. err may be nil.
func (c *Complaints) Warn(message string, err error) {
	if err == nil {
		if c.due(message) {
			logrus.Warn(message)
		}
		return
	}
	if cause := causeOf(err); c.due(message + " " + cause) {
		logrus.WithError(err).WithField("cause", cause).Warn(message)
	}
}

// Info says what was done.
func (c *Complaints) Info(message string, fields logrus.Fields) {
	if c.due(message) {
		logrus.WithFields(fields).Info(message)
	}
}

func (c *Complaints) due(thing string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if last, ok := c.last[thing]; ok && now.Sub(last) < logEvery {
		return false
	}
	if c.last == nil {
		c.last = map[string]time.Time{}
	}
	c.last[thing] = now
	return true
}
