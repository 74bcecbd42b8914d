//go:build node

package node

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// rotationLimit is how long the cache may take to notice new credentials: a minute, and the pull.
const rotationLimit = 80 * time.Second

// New credentials in the mounted Secret are used by the running cache.
func TestCredentialsRotated(t *testing.T) {
	eachVolume(t, 24<<20, func(w *world, c *containerd, hub *upstream, v *volume) {
		images := hub.pushImages(3, 1, layerSize)
		private := &upstream{w: w, name: hub.name, url: "http://private.test", registry: hub.registry}
		password := private.serveGuarded("10.78.0.9")
		credentials := filepath.Join(w.dir, "credentials")
		mountSecret(w.t, credentials, "1", "somebody", password.Load().(string))
		ours := w.startOurs(private, v, "CACHE_CREDENTIALS_DIRECTORY="+credentials)
		ours.expectStored(c, images[0])

		password.Store("the new one")
		mountSecret(w.t, credentials, "2", "somebody", "the new one")
		if fetched := ours.expectPull(c, images[0]); fetched > 0 {
			w.t.Errorf("the upstream was asked for %d blobs that are stored", fetched)
		}
		took := eventually(w.t, rotationLimit, "the new credentials are used", func() bool {
			_, _, err := c.tryPull(images[1])
			return err == nil
		})
		w.t.Logf("used after %.1f s", took.Seconds())
		ours.expectStored(c, images[2])
		ours.expectHealthy()
	})
}

// serveGuarded serves the upstream at an address for who knows the password.
func (u *upstream) serveGuarded(address string) (password *atomic.Value) {
	t := u.w.t
	t.Helper()
	target, err := url.Parse(u.registry.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.w.setName("private.test", address)
	u.w.addAddress(address)
	listener, err := u.w.internet.Listen(address + ":80")
	if err != nil {
		t.Fatal(err)
	}
	password = &atomic.Value{}
	password.Store("the old one")
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, FlushInterval: -1}
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, got, _ := r.BasicAuth(); got != password.Load() {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		u.requests.record(proxy).ServeHTTP(w, r)
	})
	u.server = &http.Server{Handler: guarded}
	go func() { _ = u.server.Serve(listener) }()
	t.Cleanup(u.stop)
	return password
}

// mountSecret lays out a Secret as a kubelet does, and replaces what is there.
func mountSecret(t *testing.T, folder, generation, username, password string) {
	t.Helper()
	data := filepath.Join(folder, "..generation-"+generation)
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"username": username, "password": password} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(folder, name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	next := filepath.Join(folder, "..data_tmp")
	if err := os.Symlink(filepath.Base(data), next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(folder, "..data")); err != nil {
		t.Fatal(err)
	}
}
