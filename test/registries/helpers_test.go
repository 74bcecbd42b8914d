package registries

import (
	_ "embed"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

//go:embed testdata/config.yml
var plainConfig []byte

const demoImage = "library/demo:1.0"

func TestMain(m *testing.M) {
	ServeIfAsked()
	os.Exit(m.Run())
}

// config returns the plain config.yml with the values of some sections set, through an encoder.
func config(t *testing.T, set map[string]map[string]any) []byte {
	t.Helper()
	file := map[string]any{}
	if err := yaml.Unmarshal(plainConfig, &file); err != nil {
		t.Fatal(err)
	}
	for section, values := range set {
		for key, value := range values {
			file[section].(map[string]any)[key] = value
		}
	}
	encoded, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func credentials(username, password string) map[string]map[string]any {
	return map[string]map[string]any{"proxy": {"username": username, "password": password}}
}

// startUpstream starts an upstream that has the demo image: two layers and a config.
func startUpstream(t *testing.T, options UpstreamOptions) *Upstream {
	t.Helper()
	u, err := StartUpstream(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := u.PushRandomImage(t.Context(), demoImage, 2, 10_000, 1); err != nil {
		t.Fatal(err)
	}
	return u
}

func startTestCache(t *testing.T, options CacheOptions) *Cache {
	t.Helper()
	c, err := StartCache(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(c.Log())
		}
	})
	return c
}

// pullTwice pulls the demo image twice and fails unless the second pull is served without asking the upstream for content.
func pullTwice(t *testing.T, c *Cache, u *Upstream) PullResult {
	t.Helper()
	first := pullDemo(t, c)
	before := u.Counts()
	second := pullDemo(t, c)
	if asked := u.Counts().Sub(before); asked.Blobs != 0 {
		t.Errorf("the second pull asked the upstream for blobs: %+v", asked)
	}
	if first.Digest != second.Digest || first.Bytes != second.Bytes {
		t.Errorf("the pulls differ: %+v, %+v", first, second)
	}
	return first
}

func pullDemo(t *testing.T, c *Cache) PullResult {
	t.Helper()
	result, err := c.Pull(t.Context(), demoImage, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}
