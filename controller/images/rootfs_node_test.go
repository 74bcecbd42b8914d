//go:build node

package images

import (
	"archive/tar"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// rootfs is an image unpacked, as a runtime would: with devices, /proc, and nothing of the machine.
type rootfs struct {
	folder string
	env    []string
}

func unpack(t *testing.T, name string) *rootfs {
	t.Helper()
	selected, err := Select(name)
	if err != nil {
		t.Fatal(err)
	}
	image := build(t, newBuilder("../.."), selected[0])
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	r := &rootfs{folder: t.TempDir(), env: config.Config.Env}
	entries(t, image, func(header *tar.Header, content io.Reader) {
		checkHeader(t, header)
		r.put(t, header, content)
	})
	r.mkdir(t, "proc")
	r.mkdir(t, "dev")
	for device, minor := range map[string]uint32{"null": 3, "urandom": 9} {
		path := filepath.Join(r.folder, "dev", device)
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r *rootfs) put(t *testing.T, header *tar.Header, content io.Reader) {
	t.Helper()
	path := filepath.Join(r.folder, header.Name)
	var err error
	switch header.Typeflag {
	case tar.TypeDir:
		err = os.MkdirAll(path, 0o755)
	case tar.TypeSymlink:
		err = os.Symlink(header.Linkname, path)
	default:
		var text []byte
		if text, err = io.ReadAll(content); err == nil {
			err = os.WriteFile(path, text, os.FileMode(header.Mode&0o777))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rootfs) mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(r.folder, name), 0o755); err != nil {
		t.Fatal(err)
	}
}

// copyFile puts a file of the repository into the folder.
func (r *rootfs) copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	r.writeFile(t, to, string(content))
}

func (r *rootfs) writeFile(t *testing.T, name, text string) {
	t.Helper()
	r.mkdir(t, filepath.Dir(name))
	if err := os.WriteFile(filepath.Join(r.folder, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// command starts a program of the image as a user, in mount namespaces of its own, so that /proc leaves nothing behind.
func (r *rootfs) command(user string, arguments ...string) *exec.Cmd {
	isolated := []string{"--mount", "--root=" + r.folder, "--wd=/", "--mount-proc", "--setgid=" + user, "--setuid=" + user, "--"}
	command := exec.Command("unshare", append(isolated, arguments...)...)
	command.Env = r.env
	return command
}
