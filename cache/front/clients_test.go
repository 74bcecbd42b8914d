package front_test

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/registry-cache/registry-cache/cache/faults"
)

var errDisk = syscall.EIO

// TestManyClients pulls by 50 clients at once, from a store that works and from one that does not, and leaves no file open.
func TestManyClients(t *testing.T) {
	before := openFiles(t)
	for name, fault := range map[string]*faults.Fault{
		"works":     nil,
		"read-only": {Operation: faults.Writer, Err: syscall.EROFS},
		"full":      {Operation: faults.Write, At: 100_000, Err: syscall.ENOSPC},
		"bad disk":  {Operation: faults.Read, At: 1 << 20, Err: errDisk},
	} {
		t.Run(name, func(t *testing.T) {
			i := newImage("library/"+strings.ReplaceAll(name, " ", "-"), 8, 2000, 300_000, 1_500_000)
			c := newCache(t, newUpstream(i), t.TempDir())
			c.faults.Set(fault)
			var clients sync.WaitGroup
			for range 50 {
				clients.Go(func() {
					if err := c.pull(i); err != nil {
						t.Error(err)
					}
				})
			}
			clients.Wait()
			c.settle()
			c.faults.Set(nil)
			c.mustPull(i)
			c.mustPull(i)
			c.close()
			c.checkWhole(i)
		})
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}
