package registries

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// serviceAccount looks like the password of a _json_key user.
const serviceAccount = `{
  "type": "service_account",
  "client_email": "puller@project.example",
  "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE#: 'x'\n-----END PRIVATE KEY-----\n"
}
`

func TestSecondPullComesFromTheCache(t *testing.T) {
	t.Parallel()
	u := startUpstream(t, UpstreamOptions{})
	c := startTestCache(t, CacheOptions{Config: plainConfig, Upstream: u})
	result := pullTwice(t, c, u)
	if result.Layers != 2 || result.Bytes < 2*10_000 {
		t.Errorf("not the image that was pushed: %+v", result)
	}

	metrics, err := c.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	blob := metrics.Blob
	if blob.Requests != 6 || blob.Hits != 3 || blob.Misses != 3 { // a config and two layers, twice
		t.Errorf("unexpected blob metrics: %+v", blob)
	}
	if blob.PulledBytes != result.Bytes || blob.PushedBytes != 2*result.Bytes {
		t.Errorf("expected %d bytes once from the upstream and twice to the client, got %+v", result.Bytes, blob)
	}
	if m := metrics.Manifest; m.Misses != 1 || m.Hits != m.Requests-1 || m.Hits == 0 {
		t.Errorf("unexpected manifest metrics: %+v", m)
	}
}

func TestCachesSideBySideCountForThemselves(t *testing.T) {
	t.Parallel()
	u := startUpstream(t, UpstreamOptions{})
	one := startTestCache(t, CacheOptions{Config: plainConfig, Upstream: u})
	two := startTestCache(t, CacheOptions{Config: plainConfig, Upstream: u})
	pullDemo(t, one)
	metrics, err := two.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if metrics != (ProxyMetrics{}) {
		t.Errorf("the other cache's pull was counted: %+v", metrics)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	for _, auth := range []Auth{AuthBasic, AuthBearer} {
		for i, c := range [][2]string{
			{"user", "secret"},
			{"_json_key", serviceAccount},
			{`o'brien"s`, `it's "quoted": #1 \n {not} [yaml]`},
			{"*alias", "&anchor"},
			{"null", "~"},
			{"123", "0x1F"},
			{"me@example.com", " leading: and trailing "},
		} {
			t.Run(fmt.Sprintf("auth %d/%d", auth, i), func(t *testing.T) {
				t.Parallel()
				u := startUpstream(t, UpstreamOptions{Auth: auth, Username: c[0], Password: c[1]})
				cache := startTestCache(t, CacheOptions{Config: config(t, credentials(c[0], c[1])), Upstream: u})
				pullTwice(t, cache, u)
				if got := u.Counts().Tokens > 0; got != (auth == AuthBearer) {
					t.Errorf("unexpected use of the token service: %+v", u.Counts())
				}
			})
		}
	}
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]map[string]map[string]any{
		"none":           {},
		"wrong password": credentials("user", "wrong"),
		"wrong user":     credentials("other", "secret"),
	} {
		for _, auth := range []Auth{AuthBasic, AuthBearer} {
			t.Run(fmt.Sprintf("%s/auth %d", name, auth), func(t *testing.T) {
				t.Parallel()
				u := startUpstream(t, UpstreamOptions{Auth: auth, Username: "user", Password: "secret"})
				c := startTestCache(t, CacheOptions{Config: config(t, set), Upstream: u})
				if result, err := c.Pull(t.Context(), demoImage, nil); err == nil {
					t.Errorf("pulled %+v without the right credentials", result)
				}
			})
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	files := map[string]any{"certificate": "/etc/distribution/certs/tls.crt", "key": "/etc/distribution/certs/tls.key"}
	for name, options := range map[string]CacheOptions{
		"config.yml": {Config: config(t, map[string]map[string]any{"http": {"tls": files}})},
		"environment": {Config: plainConfig, Env: map[string]string{
			"OTEL_TRACES_EXPORTER":          "none",
			"REGISTRY_HTTP_TLS_CERTIFICATE": "/etc/distribution/certs/tls.crt",
			"REGISTRY_HTTP_TLS_KEY":         "/etc/distribution/certs/tls.key",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options.Upstream = startUpstream(t, UpstreamOptions{TLS: true, Auth: AuthBearer})
			c := startTestCache(t, options)
			pullTwice(t, c, options.Upstream)
			if !strings.HasPrefix(c.URL(), "https://") || !strings.HasPrefix(options.Upstream.URL(), "https://") {
				t.Errorf("not served with TLS: %s, %s", c.URL(), options.Upstream.URL())
			}
			if _, err := Pull(t.Context(), c.Host()+"/"+demoImage, PullOptions{}); err == nil {
				t.Error("pulled without the CA of the cache")
			}
		})
	}
}

func TestDirIsKept(t *testing.T) {
	t.Parallel()
	u := startUpstream(t, UpstreamOptions{})
	options := CacheOptions{Config: plainConfig, Upstream: u, Dir: t.TempDir()}
	first, err := StartCache(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	pullDemo(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	before := u.Counts()
	pullDemo(t, startTestCache(t, options))
	if asked := u.Counts().Sub(before); asked.Blobs != 0 {
		t.Errorf("the restarted cache asked for blobs: %+v", asked)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	u := startUpstream(t, UpstreamOptions{})
	c, err := StartCache(t.Context(), CacheOptions{Config: plainConfig, Upstream: u})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second Close does no harm
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(c.folder); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	if connection, err := net.Dial("tcp", c.Host()); err == nil {
		_ = connection.Close()
		t.Error("somebody still listens")
	}
}

func TestStartFailsWithTheRegistrysOwnWords(t *testing.T) {
	t.Parallel()
	u := startUpstream(t, UpstreamOptions{})
	gone := startUpstream(t, UpstreamOptions{})
	gone.server.Close()
	for name, c := range map[string]struct {
		config   []byte
		upstream *Upstream
		want     string
	}{
		"upstream is gone": {plainConfig, gone, "connection refused"}, // distribution panics
		"bad version":      {[]byte(strings.Replace(string(plainConfig), `"0.1"`, `"0.9"`, 1)), u, "unsupported version"},
		"not YAML":         {[]byte("a: [b"), u, "parsing config.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := StartCache(t.Context(), CacheOptions{Config: c.config, Upstream: c.upstream})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("expected an error with %q, got %v", c.want, err)
			}
		})
	}
}

// Not parallel: without the guard a test binary that forgot ServeIfAsked would run all its tests again, and again.
func TestStartWithoutServeIfAskedIsRefused(t *testing.T) {
	canServe.Store(false)
	defer canServe.Store(true)
	if _, err := startProcess("config.yml", nil); err == nil || !strings.Contains(err.Error(), "ServeIfAsked") {
		t.Errorf("expected an error that names ServeIfAsked, got %v", err)
	}
}
