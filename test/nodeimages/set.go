package nodeimages

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"golang.org/x/sync/errgroup"
)

// atOnce is how many images are made at the same time, each of which is held in memory.
const atOnce = 2

// Set is the images of one cluster.
type Set struct {
	// Root is the folder of the module. What has been compiled is kept in its bin/nodeimages.
	Root string
	// Dir is where the archives go, one per image.
	Dir string
	// CA has further certificates in PEM which programs in Cache and Registry trust, without a change to the manifests: they
	// are where Go's programs look for the machine's.
	CA []byte
	// References are for images that manifests call otherwise than Reference does. One may have a digest: a node finds the image
	// by it although it is not the image's own.
	References map[string]string
}

// Write makes the named images, or all if there is no name, and returns their archives in the same order. It fails if a name is
// not known, a program cannot be compiled or has not been built, or Debian's busybox cannot be had.
func (s Set) Write(ctx context.Context, names ...string) (archives []string, err error) {
	if len(names) == 0 {
		names = Names()
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a folder for images: %w", err)
	}
	archives = make([]string, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, name := range names {
		archives[i] = filepath.Join(s.Dir, name+".tar")
		group.Go(func() error { return s.write(ctx, name, archives[i]) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return archives, nil
}

func (s Set) write(ctx context.Context, name, archive string) error {
	reference, err := s.reference(name)
	if err != nil {
		return err
	}
	image, err := s.Image(ctx, name)
	if err != nil {
		return err
	}
	return Archive(archive, reference, image)
}

func (s Set) reference(name string) (string, error) {
	if given, ok := s.References[name]; ok {
		return given, nil
	}
	return Reference(name)
}

// Image makes an image, for example to be pushed. It fails as Write does.
func (s Set) Image(ctx context.Context, name string) (v1.Image, error) {
	image, err := s.image(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("making image %s: %w", name, err)
	}
	if len(s.CA) == 0 || name != Cache && name != Registry {
		return image, nil
	}
	certificates, err := newLayer(file{path: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: s.CA})
	if err != nil {
		return nil, fmt.Errorf("adding certificates to image %s: %w", name, err)
	}
	return mutate.AppendLayers(image, certificates)
}

func (s Set) image(ctx context.Context, name string) (v1.Image, error) {
	switch name {
	case CoreDNS:
		return s.programImage(name, v1.Config{})
	case Registry: // whose own image starts it with this configuration, as ours does
		return s.programImage(name, v1.Config{Cmd: []string{"serve", "/etc/distribution/config.yml"}})
	case Shell:
		return s.shellImage(ctx)
	}
	return s.compiled(ctx, name)
}

func platform() v1.Platform { return v1.Platform{OS: "linux", Architecture: runtime.GOARCH} }
