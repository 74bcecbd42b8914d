package nodeimages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"golang.org/x/sync/singleflight"

	"github.com/registry-cache/registry-cache/controller/images"
)

// compiled is an image that the builder of "make images" makes. Linking and compressing the large ones takes many seconds, so an
// image is kept until its source changes, or the code that makes it.
func (s Set) compiled(ctx context.Context, name string) (v1.Image, error) {
	image := images.Image{Name: Pause, Description: "what holds a pod's namespaces in a test", Program: "./test/nodeimages/pause"}
	if name != Pause {
		selected, err := images.Select(name)
		if err != nil {
			return nil, err
		}
		image = selected[0]
	}
	key, err := s.key(ctx, image)
	if err != nil {
		return nil, err
	}
	kept := filepath.Join(s.Root, "bin", "nodeimages", name+"@"+key)
	_, err, _ = building.Do(kept, func() (any, error) {
		if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		return nil, s.build(ctx, image, kept)
	})
	if err != nil {
		return nil, err
	}
	return read(kept)
}

// building lets those who need the same image, such as the node helper and the shell, wait for one.
var building singleflight.Group

// key names what an image is made of. The Go command knows it of each package before anything is linked.
func (s Set) key(ctx context.Context, image images.Image) (string, error) {
	command := exec.CommandContext(ctx, "go", "list", "-trimpath", "-buildvcs=false", "-deps", "-export", "-f", "{{.BuildID}}",
		image.Program, "./controller/images", "./test/nodeimages")
	command.Dir = s.Root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux", "GOWORK=off") // as the builder
	var said bytes.Buffer
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("listing the packages of %s: %w\n%s", image.Program, err, strings.TrimSpace(said.String()))
	}
	sum := sha256.Sum256(output)
	return hex.EncodeToString(sum[:8]), nil
}

// build makes an image, keeps it in a folder as an OCI layout, and forgets those of older source.
func (s Set) build(ctx context.Context, image images.Image, folder string) error {
	builder := images.Builder{Root: s.Root, Version: "test", Created: time.Unix(0, 0).UTC(), BusyboxFolder: filepath.Join(s.Root, "bin", "busybox")}
	built, err := builder.Build(ctx, image, platform())
	if err != nil {
		return err
	}
	if built, err = uncompressed(built); err != nil {
		return fmt.Errorf("uncompressing layers: %w", err)
	}
	parent := filepath.Dir(folder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	unfinished, err := os.MkdirTemp(parent, "unfinished-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(unfinished) }()
	path, err := layout.Write(unfinished, empty.Index)
	if err != nil {
		return fmt.Errorf("keeping %s: %w", image.Name, err)
	}
	if err := path.AppendImage(built); err != nil {
		return fmt.Errorf("keeping %s: %w", image.Name, err)
	}
	if err := forget(filepath.Join(parent, image.Name+"@*")); err != nil {
		return err
	}
	if err := os.Rename(unfinished, folder); err != nil && !errors.Is(err, os.ErrExist) { // another process was faster
		return fmt.Errorf("keeping %s: %w", image.Name, err)
	}
	return nil
}

// forgetAfter is longer than anybody takes from being told of an image to having read it.
const forgetAfter = 10 * time.Minute

func forget(pattern string) error {
	folders, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		info, err := os.Stat(folder)
		if err == nil && time.Since(info.ModTime()) < forgetAfter {
			continue
		}
		if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("removing an image of older source: %w", err)
		}
	}
	return nil
}

// read returns the one image of a layout.
func read(folder string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("%s must have one image, has %d", folder, len(manifest.Manifests))
	}
	return index.Image(manifest.Manifests[0].Digest)
}
