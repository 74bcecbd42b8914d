package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/registry-cache/registry-cache/test/registries"
)

// TestUnsuitable starts with settings that the stock registry bears, a blob descriptor cache and an endpoint for notifications. The
// first would say "there" of a blob that has gone, the second would panic.
func TestUnsuitable(t *testing.T) {
	u := startUpstream(t, registries.UpstreamOptions{})
	p := newProgram(t, u.URL())
	p.change(func(config map[string]any) {
		config["storage"].(map[string]any)["cache"] = map[string]any{"blobdescriptor": "inmemory"}
		config["notifications"] = map[string]any{"endpoints": []any{map[string]any{
			"name": "nobody", "url": "http://" + freeAddress(t), "timeout": "1s", "threshold": 1, "backoff": "1s",
		}}}
	})
	p.start()
	must(t, p.pull("library/demo:1.0"))
	p.awaitStored(u)
	must(t, os.RemoveAll(filepath.Join(p.data, "docker/registry/v2/blobs")))
	if err := p.pull("library/demo:1.0"); err != nil {
		t.Errorf("after all blobs have gone: %v", err)
	}
	p.stop()
	for _, setting := range []string{"storage.cache", "notifications.endpoints"} {
		if n := strings.Count(p.log.String(), setting+" is ignored"); n != 1 {
			t.Errorf("it says %d times that %s is ignored", n, setting)
		}
	}
}

// awaitStored waits until a pull fetches no blob from the upstream.
func (p *program) awaitStored(u *registries.Upstream) {
	p.t.Helper()
	for range 200 {
		before := u.Counts().Blobs
		must(p.t, p.pull("library/demo:1.0"))
		if u.Counts().Blobs == before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatal("nothing is stored")
}

// change changes the configuration file.
func (p *program) change(change func(config map[string]any)) {
	p.t.Helper()
	content, err := os.ReadFile(p.config())
	must(p.t, err)
	config := map[string]any{}
	must(p.t, yaml.Unmarshal(content, &config))
	change(config)
	content, err = yaml.Marshal(config)
	must(p.t, err)
	must(p.t, os.WriteFile(p.config(), content, 0o600))
}
