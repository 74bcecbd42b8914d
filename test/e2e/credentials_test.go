//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/livecluster"
	"github.com/registry-cache/registry-cache/test/registries"
)

// The one user of the registries that want credentials.
const (
	reader         = "reader"
	readerPassword = "s3cr3t"
)

// guarded is a registry that wants credentials from whoever reads what is private.
func guarded(auth registries.Auth) registries.UpstreamOptions {
	return registries.UpstreamOptions{
		Auth: auth, Username: reader, Password: readerPassword,
		Public: func(repository string) bool { return strings.HasPrefix(repository, "library/") },
	}
}

// TestCredentials pulls from upstreams that want credentials, which no pod has: only the caches have some, one of them the wrong ones.
func TestCredentials(t *testing.T) {
	e := newEnv(t, options{hub: guarded(registries.AuthBearer)})
	bearer := e.startRegistry("https://bearer.example.net", guarded(registries.AuthBearer))
	basic := e.startRegistry("https://basic.example.net", guarded(registries.AuthBasic))
	plain := e.startRegistry("http://plain.example.net:5000", registries.UpstreamOptions{})

	e.push(bearer, "private/app:1")
	e.push(basic, "private/app:1")
	e.push(plain, "library/app:1")
	public, private := e.pushHub("library/app:1"), e.pushHub("private/app:1")
	for _, image := range []string{"bearer.example.net/private/app:1", "basic.example.net/private/app:1", private} {
		e.expectRefused(image)
	}

	e.apply(e.render("credentials.yaml", "credentials-secrets.yaml"))
	for _, upstream := range []string{"docker.io", "bearer.example.net", "basic.example.net", "plain.example.net:5000"} {
		e.awaitUse(e.node, upstream)
	}
	e.pullWithWrongCredentials(public, private)
	e.apply(e.testdata("credentials-mended.yaml"))
	mended := time.Now()
	e.pullTwice("bearer", bearer, "bearer.example.net", "private/app:1")
	e.pullTwice("basic", basic, "basic.example.net", "private/app:1")
	e.pullTwice("plain", plain, "plain.example.net:5000", "library/app:1")
	e.awaitMended(private, mended)
}

func (e *env) startRegistry(url string, options registries.UpstreamOptions) *cluster.Registry {
	e.t.Helper()
	registry, err := e.Internet().StartRegistry(url, options)
	e.must(err)
	return registry
}

// expectRefused fails if a node gets an image for which it has no credentials.
func (e *env) expectRefused(image string) {
	e.t.Helper()
	if _, err := e.tryPull(image, e.node); err == nil || !strings.Contains(err.Error(), "401 Unauthorized") && !strings.Contains(err.Error(), "authorization failed") {
		e.t.Errorf("pulling %s without credentials: want a refusal, got %v", image, err)
	}
}

// pullTwice runs a pod whose image comes through the cache, and another one whose image the cache has.
func (e *env) pullTwice(podName string, registry *cluster.Registry, upstream, repository string) {
	e.t.Helper()
	image := upstream + "/" + repository
	registry.Reset()
	e.t.Logf("pod of %s runs after %s", image, rounded(e.runPod(podName, image, e.node)))
	e.expectPulledThrough(registry)
	e.removePod(podName, image, e.node)
	registry.Reset()
	before := e.metrics(cacheOf(upstream))
	e.pull(image, e.node)
	e.expectHits(registry, before, e.metrics(cacheOf(upstream)))
}

// refusal is what the cache logs when its credentials are wrong.
const refusal = "the upstream refuses the credentials of this cache"

// pullWithWrongCredentials: public images come from the upstream itself, private ones do not come, and the cache says why.
func (e *env) pullWithWrongCredentials(public, private string) {
	e.t.Helper()
	e.hub.Reset()
	took := e.runPod("public", public, e.node)
	e.t.Logf("with wrong credentials at the cache, a pod of a public image runs after %s", rounded(took))
	e.expectDirect(e.hub)
	e.expectRefused(private)
	cache := cacheOf("docker.io")
	log := e.logOf(cache)
	if !strings.Contains(log, refusal) || strings.Contains(log, "not-any-more") {
		e.t.Errorf("the log does not say that the credentials are wrong, or says too much:\n%s", log)
	}
	if strings.Contains(log, "unrecognized environment variable") {
		e.t.Error("Services of other caches, whose names begin with registry-, are taken for configuration")
	}
	if counted := e.metric(cache, "registry_cache_upstream_refused_credentials_total"); counted == 0 {
		e.t.Error("refused credentials are not counted")
	}
	if hosts := e.hosts(e.node, "docker.io"); !livecluster.NamesCache(hosts) {
		e.t.Errorf("the cache was withdrawn although what it has it can serve: %s", hosts)
	}
}

// awaitMended waits until the cache uses the Secret that was corrected.
func (e *env) awaitMended(private string, since time.Time) {
	e.t.Helper()
	e.eventually(150*time.Second, "the cache uses the right credentials", func() error {
		if _, err := e.tryPull(private, e.node); err != nil {
			return fmt.Errorf("pulling %s: %w", private, err)
		}
		return nil
	})
	e.t.Logf("the first private image comes through the cache %s after its Secret was corrected", time.Since(since).Round(time.Second))
}
