//go:build node

package node

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// volume is a file system of its own that a cache shares with somebody else.
type volume struct {
	t      testing.TB
	folder string
}

// mountVolume makes a volume of so many bytes. A world can have one.
func (w *world) mountVolume(size int64) *volume {
	w.t.Helper()
	v := &volume{t: w.t, folder: filepath.Join(w.dir, "small")}
	if err := os.Mkdir(v.folder, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", v.folder, "tmpfs", 0, "size="+strconv.FormatInt(size, 10)); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := syscall.Unmount(v.folder, syscall.MNT_DETACH); err != nil {
			w.t.Error(err)
		}
	})
	return v
}

// data is where the cache stores.
func (v *volume) data() string { return filepath.Join(v.folder, "data") }

func (v *volume) filler() string { return filepath.Join(v.folder, "filler") }

func (v *volume) free() int64 {
	v.t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(v.folder, &s); err != nil {
		v.t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// fill lets somebody else take all but so many bytes of what is free.
func (v *volume) fill(leave int64) {
	v.t.Helper()
	file, err := os.OpenFile(v.filler(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		v.t.Error(err)
		return
	}
	defer func() { _ = file.Close() }()
	block := make([]byte, 4096)
	for v.free() > leave {
		if _, err := file.Write(block); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				v.t.Error(err)
			}
			return
		}
	}
}

// release lets somebody else give back what they have taken.
func (v *volume) release() {
	v.t.Helper()
	if err := os.Remove(v.filler()); err != nil {
		v.t.Fatal(err)
	}
}

// remount makes the volume read-only ("ro") or writable ("rw") for everybody.
func (v *volume) remount(mode string) {
	v.t.Helper()
	eventuallyNot(func() bool { // not while the cache writes
		return exec.Command("mount", "-o", "remount,"+mode, v.folder).Run() == nil
	})
	if output, err := exec.Command("mount", "-o", "remount,"+mode, v.folder).CombinedOutput(); err != nil {
		v.t.Fatalf("%v: %s", err, output)
	}
}

// inCache runs a program with the mounts of the cache, which has a mount namespace of its own.
func (d *diskCache) inCache(args ...string) {
	d.w.t.Helper()
	args = append([]string{"--target", strconv.Itoa(d.process.cmd.Process.Pid), "--mount"}, args...)
	if output, err := exec.Command("nsenter", args...).CombinedOutput(); err != nil {
		d.w.t.Fatalf("%q: %v: %s", args, err, output)
	}
}
