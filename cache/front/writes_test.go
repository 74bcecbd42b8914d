package front_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/registry-cache/registry-cache/cache/faults"
)

const layerSize = 3<<20 + 17

var (
	diskErrors = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EACCES, nil} // nil hangs
	writes     = []faults.Fault{
		{Operation: faults.PutContent, Path: "/startedat"},
		{Operation: faults.Writer},
		{Operation: faults.Write},
		{Operation: faults.Write, At: layerSize / 2},
		{Operation: faults.Write, At: layerSize - 1},
		{Operation: faults.Commit},
		{Operation: faults.Close},
		{Operation: faults.Move, Path: "/blobs/"},
		{Operation: faults.Stat, Path: "/blobs/"},
		{Operation: faults.PutContent, Path: "/blobs/"},
		{Operation: faults.PutContent, Path: "/blobs/", Leave: true},
		{Operation: faults.PutContent, Path: "/_layers/"},
		{Operation: faults.PutContent, Path: "/_layers/", Leave: true},
		{Operation: faults.PutContent, Path: "/revisions/"},
		{Operation: faults.PutContent, Path: "/current/"},
		{Operation: faults.PutContent, Path: "/index/"},
		{Operation: faults.Delete, Path: "/_uploads/"},
		{Operation: faults.GetContent, Path: "/_manifests/"},
	}
)

// TestWritesThatFail pulls an image while one operation of the store fails, each in each way, and again when it works.
func TestWritesThatFail(t *testing.T) {
	for _, fault := range writes {
		for _, cause := range diskErrors {
			name := fmt.Sprintf("%s %s at %d leaving %v: %v", fault.Operation, fault.Path, fault.At, fault.Leave, cause)
			t.Run(name, func(t *testing.T) {
				i := newImage("library/image", 1, 2000, 300_000, layerSize)
				u := newUpstream(i)
				c := newApp(t, u, t.TempDir())
				synctest.Test(t, func(t *testing.T) { writeAndFail(t, c, u, i, fault, cause) })
			})
		}
	}
}

func writeAndFail(t *testing.T, c *cache, u *upstream, i image, fault faults.Fault, cause error) {
	c.t = t
	c.begin()
	release := make(chan struct{})
	fault.Err = cause
	if cause == nil {
		fault.Hang = release
	}
	c.faults.Set(&fault)
	begin := time.Now()
	if err := errors.Join(c.pull(i), c.pull(i)); err != nil {
		t.Error("while the store fails:", err)
	}
	if waited := time.Since(begin); waited > 2*time.Second {
		t.Errorf("the client waited %s for the store", waited)
	}
	c.settle()
	if c.faults.Count() == 0 {
		t.Error("the fault has not struck: this test tests nothing")
	}
	c.faults.Set(nil)
	close(release)
	time.Sleep(2 * time.Minute) // what hung returns, what could not be removed is removed
	synctest.Wait()
	c.check()
	c.mustPull(i)
	c.checkWhole(i)
	u.setDown(true)
	if err := c.get("GET", i.repository+"/manifests/"+i.tag, i.manifest); err != nil {
		t.Error("without its upstream:", err)
	}
	c.mustPull(i)
	c.close()
}
