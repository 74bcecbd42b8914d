// Package served runs the rendered config.yml: distribution's own parser reads it, its registry serves it, and an image
// is pulled through it.
package served

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
	"github.com/registry-cache/registry-cache/test/registries"
	"github.com/registry-cache/registry-cache/test/rendered"
)

func TestMain(m *testing.M) {
	registries.ServeIfAsked()
	os.Exit(m.Run())
}

const (
	serviceAccount = "{\n  \"type\": \"service_account\",\n  \"project_id\": \"it's: \\\"quoted\\\" #1\",\n" +
		"  \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nabc\\n-----END PRIVATE KEY-----\\n\"\n}\n"
	image = "library/demo:1.0"
)

// cases: what is written in the config for the cache of docker.io, and the credentials that its upstream demands.
var cases = map[string]struct {
	platform           string
	cache              string
	auth               registries.Auth
	upstreamTLS        bool
	username, password string
	check              func(*configuration.Configuration) bool
}{
	"plain": {
		platform: "standalone",
		check: func(c *configuration.Configuration) bool {
			return c.HTTP.TLS.Certificate == "" && *c.Proxy.TTL == 168*time.Hour && c.Proxy.Username == ""
		},
	},
	"served with TLS": {
		platform: "shoot", cache: "http: {tls: true}",
		check: func(c *configuration.Configuration) bool {
			return c.HTTP.TLS.Certificate == "/etc/distribution/certs/tls.crt" && c.HTTP.TLS.Key == "/etc/distribution/certs/tls.key"
		},
	},
	"upstream with TLS": {platform: "standalone", upstreamTLS: true},
	"kept for ever": {
		platform: "standalone", cache: "garbageCollection: {ttl: 0s}",
		check: func(c *configuration.Configuration) bool { return *c.Proxy.TTL == 0 },
	},
	"basic": {platform: "standalone", auth: registries.AuthBasic, username: "reader", password: "pass: word"},
	"basic, characters that need quotes": {
		platform: "standalone", auth: registries.AuthBasic, username: `*&!'"#%@`, password: "'\"\\: #{}[]\n- |\t ~ é",
	},
	"bearer": {platform: "standalone", auth: registries.AuthBearer, username: "reader", password: "null"},
	"bearer, characters that need quotes, served with TLS": {
		platform: "shoot", cache: "http: {tls: true}", auth: registries.AuthBearer, username: `~"'#`, password: "a: b # c\n\nd ' \" ",
	},
	"service account":                  {platform: "standalone", auth: registries.AuthBearer, username: "_json_key", password: serviceAccount},
	"service account, basic, on shoot": {platform: "shoot", cache: "http: {tls: false}", auth: registries.AuthBasic, username: "_json_key", password: serviceAccount},
}

func TestRenderedConfigServes(t *testing.T) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config, env := render(t, c.platform, c.cache, c.username, c.password)
			parsed, err := configuration.Parse(bytes.NewReader(config))
			if err != nil {
				t.Fatalf("distribution cannot parse config.yml: %v\n%s", err, config)
			}
			if parsed.Proxy.Username != c.username || parsed.Proxy.Password != c.password {
				t.Errorf("distribution reads other credentials than were given:\n%s", config)
			}
			if c.check != nil && !c.check(parsed) {
				t.Errorf("distribution reads other values than were meant:\n%s", config)
			}
			upstream := startUpstream(t, registries.UpstreamOptions{TLS: c.upstreamTLS, Auth: c.auth, Username: c.username, Password: c.password})
			pullTwice(t, startCache(t, config, env, upstream), upstream)
		})
	}
}

// pullTwice: the first pull comes through the cache, the second out of it.
func pullTwice(t *testing.T, cache *registries.Cache, upstream *registries.Upstream) {
	t.Helper()
	for pull, wantBlobs := range []bool{true, false} {
		before := upstream.Counts()
		if _, err := cache.Pull(t.Context(), image, nil); err != nil {
			t.Fatalf("pull %d: %v\n%s", pull+1, err, cache.Log())
		}
		if err := cache.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if asked := upstream.Counts().Sub(before).Blobs > 0; asked != wantBlobs {
			t.Errorf("pull %d: upstream was asked for blobs: %t, want %t", pull+1, asked, wantBlobs)
		}
	}
	metrics, err := cache.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if metrics.Blob.Hits == 0 || metrics.Blob.Misses == 0 {
		t.Errorf("the cache must count hits and misses, got %+v", metrics.Blob)
	}
}

// TestContentExpires: content is fetched again when the TTL of the config has passed.
func TestContentExpires(t *testing.T) {
	config, env := render(t, "standalone", "garbageCollection: {ttl: 1s}", "", "")
	upstream := startUpstream(t, registries.UpstreamOptions{})
	cache := startCache(t, config, env, upstream)
	pullTwice(t, cache, upstream)
	before := upstream.Counts()
	for deadline := time.Now().Add(30 * time.Second); upstream.Counts().Sub(before).Blobs == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the upstream must be asked again when content has expired")
		}
		time.Sleep(300 * time.Millisecond)
		if _, err := cache.Pull(t.Context(), image, nil); err != nil {
			t.Fatalf("pulling: %v\n%s", err, cache.Log())
		}
	}
}

func startUpstream(t *testing.T, options registries.UpstreamOptions) *registries.Upstream {
	t.Helper()
	upstream, err := registries.StartUpstream(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := upstream.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := upstream.PushRandomImage(t.Context(), image, 2, 10_000, 1); err != nil {
		t.Fatal(err)
	}
	return upstream
}

func startCache(t *testing.T, config []byte, env map[string]string, upstream *registries.Upstream) *registries.Cache {
	t.Helper()
	cache, err := registries.StartCache(t.Context(), registries.CacheOptions{Config: config, Env: env, Upstream: upstream})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
	})
	return cache
}

// render returns the config.yml and the environment of a cache for docker.io, as the pod of a stock registry will have them.
func render(t *testing.T, platform, cache, username, password string) (config []byte, env map[string]string) {
	t.Helper()
	entry := map[string]any{}
	if err := yaml.Unmarshal([]byte(cache), &entry); err != nil {
		t.Fatal(err)
	}
	entry["upstream"] = "docker.io"
	items := []manifest.Object{keyPair(t)}
	if username != "" {
		entry["secretReferenceName"] = "credentials"
		items = append(items, secret("credentials", map[string]string{"username": username, "password": password}))
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "functions.registry.extensions.gardener.cloud/v1alpha1", "kind": "RegistryCaches",
		"platform": platform, "registry": "distribution",
		"registryConfig": map[string]any{
			"apiVersion": v1alpha3.GroupName + "/v1alpha3", "kind": "RegistryConfig", "caches": []any{entry},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	in, err := input.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pipeline.Render(in, items)
	if err != nil {
		t.Fatal(err)
	}
	config, env, err = rendered.Cache(out.Objects, "registry-docker-io")
	if err != nil {
		t.Fatal(err)
	}
	return config, env
}

func secret(name string, data map[string]string) manifest.Object {
	encoded := map[string]any{}
	for key, value := range data {
		encoded[key] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	return manifest.Object{
		"apiVersion": "v1", "kind": "Secret", "immutable": true, "metadata": map[string]any{"name": name}, "data": encoded,
	}
}

// keyPair is what the controller would pass in on a shoot; the cache under test is served with another one, for loopback.
func keyPair(t *testing.T) manifest.Object {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return secret("registry-docker-io-tls", map[string]string{
		"tls.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})),
		"tls.key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
}
