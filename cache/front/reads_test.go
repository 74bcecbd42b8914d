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

var reads = []faults.Fault{
	{Operation: faults.Stat},
	{Operation: faults.Stat, Path: "/blobs/"},
	{Operation: faults.Stat, Path: "/blobs/", After: 1},
	{Operation: faults.Stat, Path: "/blobs/", After: 2},
	{Operation: faults.Stat, Path: "/blobs/", After: 3},
	{Operation: faults.Stat, Path: "/blobs/", After: 4},
	{Operation: faults.Stat, Path: "/blobs/", After: 5},
	{Operation: faults.Stat, Path: "/blobs/", After: 6},
	{Operation: faults.GetContent, Path: "/_layers/", After: 1},
	{Operation: faults.GetContent, Path: "/_layers/", After: 2},
	{Operation: faults.GetContent},
	{Operation: faults.GetContent, Path: "/_layers/"},
	{Operation: faults.GetContent, Path: "/revisions/"},
	{Operation: faults.GetContent, Path: "/tags/"},
	{Operation: faults.Reader, Path: "/blobs/", After: 1},
	{Operation: faults.Reader},
	{Operation: faults.Read},
	{Operation: faults.Read, At: layerSize / 2},
	{Operation: faults.Read, At: layerSize - 1},
}

// TestReadsThatFail pulls an image that is stored, while one operation of the store fails, and again when it works.
func TestReadsThatFail(t *testing.T) {
	for _, fault := range reads {
		for _, cause := range []error{syscall.EIO, syscall.EACCES, syscall.EMFILE, nil} {
			t.Run(fmt.Sprintf("%s %s at %d after %d: %v", fault.Operation, fault.Path, fault.At, fault.After, cause), func(t *testing.T) {
				i := newImage("library/image", 2, 2000, 300_000, layerSize)
				u := newUpstream(i)
				c := newApp(t, u, t.TempDir())
				synctest.Test(t, func(t *testing.T) { readAndFail(t, c, i, fault, cause) })
			})
		}
	}
}

func readAndFail(t *testing.T, c *cache, i image, fault faults.Fault, cause error) {
	c.t = t
	c.begin()
	c.mustPull(i)
	c.checkWhole(i)
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
	if c.faults.Count() == 0 {
		t.Error("the fault has not struck: this test tests nothing")
	}
	c.faults.Set(nil)
	close(release)
	c.settle()
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	c.check()
	c.mustPull(i)
	c.checkWhole(i)
	c.close()
}
