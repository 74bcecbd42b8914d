package nodeimages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// programImage is an image of one of the tools that make builds.
func (s Set) programImage(name string, config v1.Config) (v1.Image, error) {
	tool := filepath.Join("bin", "tools", name)
	program, err := os.ReadFile(filepath.Join(s.Root, tool))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has not been built, make %s does: %w", name, tool, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", tool, err)
	}
	layer, err := newLayer(file{path: "bin/" + name, mode: 0o755, content: program}, file{path: "tmp/", mode: 0o1777})
	if err != nil {
		return nil, err
	}
	config.Env, config.WorkingDir, config.Entrypoint = []string{"PATH=/bin"}, "/", []string{"/bin/" + name}
	return assemble(config, layer)
}

// assemble makes an image of layers.
func assemble(config v1.Config, layers ...v1.Layer) (v1.Image, error) {
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: platform().OS, Architecture: platform().Architecture, Config: config, RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, fmt.Errorf("setting the config: %w", err)
	}
	image = mutate.ConfigMediaType(mutate.MediaType(image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.AppendLayers(image, layers...)
	if err != nil {
		return nil, fmt.Errorf("adding layers: %w", err)
	}
	return image, nil
}

// applets are what a person or a test wants of a shell in a pod, beside those that the node helper links.
var applets = []string{"df", "du", "env", "find", "hostname", "id", "kill", "ls", "nc", "nslookup", "ps", "stat", "tail", "timeout", "top", "touch", "wc", "wget"}

// shellImage is the node helper's with more of its busybox, and runs as root.
func (s Set) shellImage(ctx context.Context) (v1.Image, error) {
	helper, err := s.compiled(ctx, NodeHelper)
	if err != nil {
		return nil, err
	}
	var links []file
	for _, applet := range applets {
		links = append(links, file{path: "bin/" + applet, link: "busybox"})
	}
	more, err := newLayer(append(links, file{path: "tmp/", mode: 0o1777})...)
	if err != nil {
		return nil, err
	}
	layers, err := helper.Layers()
	if err != nil {
		return nil, err
	}
	return assemble(v1.Config{Env: []string{"PATH=/bin"}, WorkingDir: "/", Cmd: []string{"/bin/sh"}}, append(layers, more)...)
}
