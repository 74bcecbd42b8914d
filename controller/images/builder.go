package images

import (
	"context"
	"fmt"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is what many images use for somebody without rights.
const user = "65532:65532"

// Builder builds images from one state of the source.
type Builder struct {
	// Root is the folder of the module.
	Root string
	// Version and Revision name the state of the source, and Created is its time.
	Version, Revision string
	Created           time.Time
	// BusyboxFolder has Debian's busybox-static, or gets it.
	BusyboxFolder string
}

// Index builds an image for each of the platforms and the index over them.
func (b *Builder) Index(ctx context.Context, image Image, platforms []v1.Platform) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range platforms {
		built, err := b.Build(ctx, image, platform)
		if err != nil {
			return nil, fmt.Errorf("building %s: %w", image.Name, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: built, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	return mutate.Annotations(index, b.labels(image)).(v1.ImageIndex), nil
}

// Build builds an image for one platform. It fails if the program cannot be built, or busybox not be had.
func (b *Builder) Build(ctx context.Context, image Image, platform v1.Platform) (v1.Image, error) {
	program, err := compile(ctx, b.Root, image.Program, platform)
	if err != nil {
		return nil, err
	}
	name := path.Base(image.Program)
	config := v1.Config{User: user, WorkingDir: "/", Labels: b.labels(image)}
	var layers []mutate.Addendum
	if image.Shell {
		shell, err := b.shell(ctx, platform)
		if err != nil {
			return nil, err
		}
		helper, err := b.addendum("programs of "+source, file{path: "bin/" + name, mode: 0o755, content: program})
		if err != nil {
			return nil, err
		}
		layers = []mutate.Addendum{shell, helper}
		config.Env, config.Cmd = []string{"PATH=/bin"}, []string{"/bin/sh"}
	} else {
		only, err := b.addendum("programs of "+source,
			file{path: name, mode: 0o755, content: program}, file{path: "tmp/", mode: 0o1777})
		if err != nil {
			return nil, err
		}
		layers = []mutate.Addendum{only}
		config.Env, config.Entrypoint, config.Cmd = []string{"PATH=/"}, []string{"/" + name}, image.Arguments
	}
	return b.assemble(config, platform, layers)
}

// shell is a layer of its own, which most versions share.
func (b *Builder) shell(ctx context.Context, platform v1.Platform) (mutate.Addendum, error) {
	box, err := readBusybox(ctx, b.BusyboxFolder, platform.Architecture)
	if err != nil {
		return mutate.Addendum{}, err
	}
	return b.addendum("Debian's "+busyboxPackage+" "+box.version, box.files...)
}

func (b *Builder) addendum(what string, files ...file) (mutate.Addendum, error) {
	made, err := layer(files)
	if err != nil {
		return mutate.Addendum{}, fmt.Errorf("making a layer: %w", err)
	}
	return mutate.Addendum{Layer: made, History: v1.History{Created: v1.Time{Time: b.Created}, CreatedBy: what}}, nil
}

func (b *Builder) assemble(config v1.Config, platform v1.Platform, layers []mutate.Addendum) (v1.Image, error) {
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: platform.OS, Architecture: platform.Architecture, Created: v1.Time{Time: b.Created}, Config: config,
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, fmt.Errorf("setting the config: %w", err)
	}
	image = mutate.ConfigMediaType(mutate.MediaType(image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, layers...)
	if err != nil {
		return nil, fmt.Errorf("adding layers: %w", err)
	}
	return image, nil
}

func (b *Builder) labels(image Image) map[string]string {
	licenses := "Apache-2.0"
	if image.Shell {
		licenses += " AND GPL-2.0-only"
	}
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":       image.Name,
		prefix + "description": image.Description,
		prefix + "source":      source,
		prefix + "version":     b.Version,
		prefix + "revision":    b.Revision,
		prefix + "licenses":    licenses,
	}
}
