package images

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// What a runtime reads of an image: who runs what where, and what people read of it.
func TestConfig(t *testing.T) {
	b := newBuilder("../..")
	image := probe
	image.Arguments = []string{"serve", "config.yml"}
	config, err := build(t, b, image).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		User: "65532:65532", WorkingDir: "/", Env: []string{"PATH=/"}, Entrypoint: []string{"/registry-cache-probe"}, Cmd: []string{"serve", "config.yml"},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "probe",
			"org.opencontainers.image.description": "a test",
			"org.opencontainers.image.source":      "https://github.com/registry-cache/registry-cache",
			"org.opencontainers.image.version":     "v1.2.3",
			"org.opencontainers.image.revision":    "0123456789abcdef",
			"org.opencontainers.image.licenses":    "Apache-2.0",
		},
	}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Errorf("the config must be as wanted (-want +got):\n%s", diff)
	}
	if config.OS != "linux" || config.Architecture != native.Architecture {
		t.Errorf("the platform must be %s, got %s/%s", native, config.OS, config.Architecture)
	}
	if !config.Created.Equal(b.Created) {
		t.Errorf("the image must be as old as its source, got %s", config.Created)
	}
	if len(config.History) != len(config.RootFS.DiffIDs) {
		t.Errorf("each layer must have a history, got %d of %d", len(config.History), len(config.RootFS.DiffIDs))
	}
}
