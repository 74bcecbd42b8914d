package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// applets are the programs that the scripts of a node and their DaemonSets call. Busybox has more, but whoever wants them
// can say so: busybox ls.
var applets = []string{
	"cat", "cksum", "cut", "date", "grep", "head", "mkdir", "mkfifo", "mv", "od", "rm", "rmdir", "sed", "sh", "sha256sum", "sleep",
	"sort", "tr",
}

const (
	busyboxPackage   = "busybox-static"
	busyboxProgram   = "bin/busybox"
	busyboxCopyright = "usr/share/doc/busybox-static/copyright" // the licence wants to come along
)

// busybox is what an image takes of Debian's package.
type busybox struct {
	version string
	files   []file
}

// readBusybox reads Debian's static busybox for an architecture from a package in the folder, where it is downloaded to if
// there is none. It needs apt-get and dpkg-deb, and fails if they or the package are not there.
func readBusybox(ctx context.Context, folder, architecture string) (*busybox, error) {
	archive, err := findBusybox(folder, architecture)
	if errors.Is(err, fs.ErrNotExist) {
		if err := downloadBusybox(ctx, folder, architecture); err != nil {
			return nil, fmt.Errorf("downloading %s for %s (needs Debian's apt-get, or the package in %s): %w", busyboxPackage, architecture, folder, err)
		}
		archive, err = findBusybox(folder, architecture)
	}
	if err != nil {
		return nil, err
	}
	content, err := run(ctx, folder, "dpkg-deb", "--fsys-tarfile", archive)
	if err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", archive, err)
	}
	files, err := pick(content, map[string]int64{busyboxProgram: 0o755, busyboxCopyright: 0o644})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", archive, err)
	}
	for _, applet := range applets {
		files = append(files, file{path: "bin/" + applet, link: "busybox"})
	}
	return &busybox{version: versionOf(archive), files: files}, nil
}

// findBusybox returns the one package of the architecture in the folder.
func findBusybox(folder, architecture string) (string, error) {
	archives, err := filepath.Glob(filepath.Join(folder, busyboxPackage+"_*_"+architecture+".deb"))
	switch {
	case err != nil:
		return "", err
	case len(archives) == 0:
		return "", fs.ErrNotExist
	case len(archives) > 1:
		return "", fmt.Errorf("%s must have one package per architecture, has %q", folder, archives)
	}
	return filepath.Abs(archives[0])
}

// versionOf reads the version in a package's file name, where apt escapes colons.
func versionOf(archive string) string {
	version := strings.Split(filepath.Base(archive), "_")[1]
	if plain, err := url.PathUnescape(version); err == nil {
		return plain
	}
	return version
}

// downloadBusybox asks the machine's package sources, verified as always, with a list of its own: so it works for an
// architecture that the machine's dpkg does not know, changes nothing on the machine and needs no root.
func downloadBusybox(ctx context.Context, folder, architecture string) error {
	lists, err := os.MkdirTemp("", "images-apt-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(lists) }()
	for _, needed := range []string{filepath.Join(lists, "lists", "partial"), filepath.Join(lists, "cache", "archives", "partial"), folder} {
		if err := os.MkdirAll(needed, 0o755); err != nil {
			return err
		}
	}
	options := []string{
		"-qq", "-o", "APT::Architecture=" + architecture, "-o", "APT::Architectures::=" + architecture, "-o", "Dir::State=" + lists,
		"-o", "Dir::State::status=/dev/null", "-o", "Dir::Cache=" + filepath.Join(lists, "cache"), "-o", "APT::Sandbox::User=",
		"-o", "APT::Update::Error-Mode=any", // a source that cannot be reached is an error, and no empty list
	}
	if _, err := run(ctx, folder, "apt-get", append(options, "update")...); err != nil {
		return err
	}
	_, err = run(ctx, folder, "apt-get", append(options, "download", busyboxPackage+":"+architecture)...)
	return err
}

// pick returns the named files of an archive, with these modes. All must be there.
func pick(archive []byte, modes map[string]int64) ([]file, error) {
	var picked []file
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(header.Name, "./")
		mode, wanted := modes[name]
		if !wanted {
			continue
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			return nil, err
		}
		picked = append(picked, file{path: name, mode: mode, content: content})
	}
	if len(picked) != len(modes) {
		return nil, fmt.Errorf("%d of %d files are missing", len(modes)-len(picked), len(modes))
	}
	return picked, nil
}

// run returns what a command prints, and fails with what it says on the error output.
func run(ctx context.Context, folder, name string, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir = folder
	var said bytes.Buffer
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(said.String()))
	}
	return output, nil
}
