package app

import (
	"context"
	"testing"

	"github.com/registry-cache/registry-cache/test/registries"
)

// TestStock starts the stock registry and this program with one config.yml, each on what the other has stored, while the
// upstream is away.
func TestStock(t *testing.T) {
	u := startUpstream(t, registries.UpstreamOptions{})
	t.Run("ours on stock's", func(t *testing.T) {
		folder := t.TempDir()
		stock := startStock(t, u, folder)
		if _, err := stock.Pull(t.Context(), "library/demo:1.0", nil); err != nil {
			t.Fatal(err)
		}
		must(t, stock.Close())
		p := newProgram(t, "http://"+freeAddress(t))
		p.start("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=" + folder)
		if err := p.pull("library/demo:1.0"); err != nil {
			t.Error(err)
		}
		p.stop()
	})
	t.Run("stock on ours", func(t *testing.T) {
		p := newProgram(t, u.URL())
		p.start()
		must(t, p.pull("library/demo:1.0"))
		p.stop()
		before := u.Counts()
		stock := startStock(t, u, p.data)
		if _, err := stock.Pull(t.Context(), "library/demo:1.0", nil); err != nil {
			t.Error(err)
		}
		must(t, stock.Close())
		if got := u.Counts(); got.Blobs != before.Blobs {
			t.Errorf("it fetched what was stored: %+v, before %+v", got, before)
		}
	})
}

func startStock(t *testing.T, u *registries.Upstream, folder string) *registries.Cache {
	t.Helper()
	c, err := registries.StartCache(context.Background(), registries.CacheOptions{
		Config: baseConfig(t), Env: map[string]string{}, Upstream: u, Dir: folder,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
