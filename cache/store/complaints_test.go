package store_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/registry-cache/registry-cache/cache/store"
)

// TestComplaints: a store that has failed a thousand pulls must not have filled the log, and one cause must not hide another.
func TestComplaints(t *testing.T) {
	hook := &logtest.Hook{}
	defer logrus.StandardLogger().ReplaceHooks(logrus.StandardLogger().ReplaceHooks(logrus.LevelHooks{}))
	logrus.AddHook(hook)
	synctest.Test(t, func(*testing.T) {
		var c store.Complaints
		for range 3 {
			c.Warn("writing", fmt.Errorf("a: %w", syscall.ENOSPC))
			c.Warn("writing", fmt.Errorf("b: %w", syscall.ENOSPC))
			c.Warn("writing", errors.New("c"))
			c.Warn("reading", syscall.ENOSPC)
			c.Warn("nothing left", nil)
			c.Info("removed", logrus.Fields{"count": 1})
			c.Info("removed", logrus.Fields{"count": 2})
			time.Sleep(30 * time.Second)
		}
	})
	var said []string
	for _, entry := range hook.AllEntries() {
		said = append(said, fmt.Sprintf("%s %s %v", entry.Level, entry.Message, entry.Data))
	}
	once := []string{
		"warning writing map[cause:no-space error:a: no space left on device]", "warning writing map[cause:other error:c]",
		"warning reading map[cause:no-space error:no space left on device]", "warning nothing left map[]", "info removed map[count:1]",
	}
	if diff := cmp.Diff(append(once, once...), said); diff != "" {
		t.Errorf("it says, in 90 s (-want +got):\n%s", diff)
	}
}
