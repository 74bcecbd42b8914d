//go:build node

package node

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/registry-cache/registry-cache/bases"
	"github.com/registry-cache/registry-cache/test/registries"
	"github.com/registry-cache/registry-cache/test/tool"
)

const (
	// storeLayers and storeLayerSize are those of the images that these tests pull; each has a configuration as well.
	storeLayers, storeLayerSize = 4, 900_000
	storeBlobs                  = storeLayers + 1
	// storeAgainLimit is how long a cache may take to store again when its volume allows it: the keeper looks every 2 s.
	storeAgainLimit = 30 * time.Second
)

// diskCache is a cache with its store on a volume of its own.
type diskCache struct {
	*cache
	program []string
	env     []string
	volume  *volume
}

// startOurs starts registry-cache with the configuration of the base.
func (w *world) startOurs(u *upstream, v *volume, env ...string) *diskCache {
	w.t.Helper()
	program := filepath.Join(tool.Root(w.t), "bin", "registry-cache")
	if _, err := os.Stat(program); err != nil {
		w.t.Fatal("registry-cache has not been built: run the tests with make test-node, which builds it")
	}
	d := w.newDiskCache(u, v, cacheAddress)
	d.program, d.env = []string{program, "serve", d.folder + "/config.yml"}, env
	d.start()
	return d
}

// startStock starts the stock registry with the same configuration.
func (w *world) startStock(u *upstream, v *volume) *diskCache {
	w.t.Helper()
	program, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	d := w.newDiskCache(u, v, otherCacheAddress)
	d.program = []string{program}
	d.env = []string{registries.ConfigVariable + "=" + d.folder + "/config.yml", "OTEL_TRACES_EXPORTER=none"}
	d.start()
	return d
}

func (w *world) newDiskCache(u *upstream, v *volume, address string) *diskCache {
	w.t.Helper()
	host := net.JoinHostPort(address, "5000")
	d := &diskCache{volume: v, cache: &cache{w: w, upstream: u, address: address, listen: address, endpoint: "http://" + host}}
	var err error
	if d.folder, err = os.MkdirTemp(w.dir, "cache-"); err != nil {
		w.t.Fatal(err)
	}
	config, err := bases.FS.ReadFile("cache/config.yml")
	if err != nil {
		w.t.Fatal(err)
	}
	config, _, err = registries.Localize(config, registries.Replacements{
		Addr: host, DebugAddr: net.JoinHostPort(address, "5001"), RootDirectory: v.data(), RemoteURL: u.url,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	d.write("config.yml", config)
	w.addAddress(address)
	return d
}

// start starts the cache, also after it was killed, and makes the node use it. A cache that does not answer is passed over,
// as on a real node.
func (d *diskCache) start() {
	d.w.t.Helper()
	d.seen = 0
	env := append([]string{"SSL_CERT_FILE=" + d.w.dir + "/upstream-ca.crt"}, d.env...)
	d.process = d.w.start(d.w.internet, env, d.program...)
	d.waitUntilReady()
	d.w.writeHosts(d.upstream.name, fmt.Sprintf("server = %q\n[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", d.upstream.url, d.endpoint))
	process := d.process
	d.w.t.Cleanup(func() {
		if d.w.t.Failed() {
			d.w.t.Logf("the cache's log:\n%s", troubles(process))
		}
	})
}

func troubles(p *process) string {
	var lines strings.Builder
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, "level=warn") || strings.Contains(line, "level=error") || strings.Contains(line, "panic") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// expectPull fails unless a pull succeeds, of which containerd has compared all digests, and all of it came through the
// cache. It returns for how many blobs the upstream was asked.
func (d *diskCache) expectPull(c *containerd, image string) (fetched int) {
	d.w.t.Helper()
	d.upstream.requests.reset()
	if _, output, err := c.tryPull(image); err != nil {
		d.w.t.Errorf("pulling %s: %v: %s", image, err, output)
	}
	d.upstream.expectFromNode(0)
	return d.upstream.requests.count(" GET ", "/blobs/")
}

// expectMissed is expectPull for an image of which nothing is stored: the upstream is asked once for each blob.
func (d *diskCache) expectMissed(c *containerd, image string) {
	d.w.t.Helper()
	if fetched := d.expectPull(c, image); fetched != storeBlobs {
		d.w.t.Errorf("the upstream was asked for %d blobs of %s, want %d: %q", fetched, image, storeBlobs, d.upstream.requests.list)
	}
}

// expectStored fails unless the cache has all of an image, or has it soon when it is pulled.
func (d *diskCache) expectStored(c *containerd, image string) {
	d.w.t.Helper()
	eventually(d.w.t, storeAgainLimit, image+" is stored", func() bool { return d.expectPull(c, image) == 0 })
}

// expectNotStored fails unless the cache says that it could not store something, and why.
func (d *diskCache) expectNotStored(cause string) {
	d.w.t.Helper()
	eventually(d.w.t, 10*time.Second, "not stored because of "+cause, func() bool {
		return d.metric("registry_cache_not_stored_total", "cause", cause) > 0
	})
}

// metric returns the value of a metric of the cache's with a label.
func (d *diskCache) metric(name, label, value string) float64 {
	t := d.w.t
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: d.w.internet.Dial, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	response, err := get(t.Context(), client, "http://"+net.JoinHostPort(d.address, "5001")+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families[name].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == label && l.GetValue() == value {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// expectHealthy fails if the cache has ended or says that it is ill: the store's trouble is no reason for either.
func (d *diskCache) expectHealthy() {
	t := d.w.t
	t.Helper()
	if !d.process.running() {
		t.Fatalf("the cache ended: %v\n%s", d.process.err, d.process.log.String())
	}
	client := &http.Client{Transport: &http.Transport{DialContext: d.w.internet.Dial, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	response, err := get(t.Context(), client, "http://"+net.JoinHostPort(d.address, "5001")+"/debug/health")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("health: %s", response.Status)
	}
}

// pushImages pushes so many images that have nothing in common.
func (u *upstream) pushImages(count int, layers, size int64) []string {
	u.w.t.Helper()
	var images []string
	for i := range count {
		images = append(images, u.push("library/image"+strconv.Itoa(i)+":1", layers, size))
	}
	return images
}

// eachVolume runs a test with each line of containerd and docker.io as upstream.
func eachVolume(t *testing.T, size int64, test func(w *world, c *containerd, hub *upstream, v *volume)) {
	t.Helper()
	eachContainerd(t, func(w *world, c *containerd) { test(w, c, w.startDockerHub(), w.mountVolume(size)) })
}
