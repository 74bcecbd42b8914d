//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
	"github.com/registry-cache/registry-cache/test/registries"
)

// readme does what the README says about a cluster of one's own, with the images in a registry of one's own.
func (e *env) readme() {
	blocks := e.document("README.md", "On your own cluster", "sh", 3)
	own, err := e.Internet().StartRegistry("https://spare.example.net", registries.UpstreamOptions{})
	e.must(err)
	for i, block := range blocks {
		blocks[i] = strings.ReplaceAll(block, "registry.internal", "spare.example.net")
	}
	for _, program := range []string{nodeimages.Cache, nodeimages.NodeHelper} {
		e.publish(own, program)
	}
	e.pushHub("library/busybox:latest")

	folder := e.t.TempDir()
	e.shell(folder, blocks[0])
	folder = filepath.Join(folder, "registry-cache", "overlays", "standalone")
	e.t.Logf("used %s after it was applied", rounded(e.awaitUse(e.node, "docker.io")))
	e.hub.Reset()
	said := e.shell(folder, blocks[1])
	e.expectPulledThrough(e.hub)
	for _, want := range []string{"docker.io: uses http://10.96.", "/v2/library/busybox/blobs/sha256:"} {
		if !strings.Contains(said, want) {
			e.t.Errorf("what the README says to check does not print %q:\n%s", want, said)
		}
	}
	image := "docker.io/library/busybox:latest"
	e.removeImage(image, e.node)
	e.deleteAtOnce(image, func() { e.shell(folder, blocks[2]) })
}

// publish pushes a program's image to a registry under the tag that the README has.
func (e *env) publish(registry *cluster.Registry, program string) {
	e.t.Helper()
	image, err := images.Image(e.ctx, program)
	e.must(err)
	reference, err := name.ParseReference(registry.Host() + "/" + program + ":v0.1.0")
	e.must(err)
	e.must(remote.Write(reference, image, remote.WithContext(e.ctx), remote.WithTransport(registry.InMemory())))
}
