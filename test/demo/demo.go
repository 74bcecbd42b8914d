package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/registry-cache/registry-cache/test/registries"
)

const image = "library/demo:1.0"

// scene is how large the image is and how slow the upstream.
type scene struct {
	layers, layerSize int64
	latency           time.Duration
	bytesPerSecond    int64
}

// farAway is an image and an upstream as one meets them.
var farAway = scene{layers: 8, layerSize: 4_500_000, latency: 20 * time.Millisecond, bytesPerSecond: 40_000_000}

// demo is one run, filled step by step.
type demo struct {
	*screen
	scene
	config   []byte            // the rendered config.yml
	env      map[string]string // the rendered container's
	upstream *registries.Upstream
	digest   string // of the image in the upstream
	bytes    int64  // of the image's layers
	cache    *registries.Cache
	pulls    [2]pull
}

// pull is one pull through the cache and what it cost the upstream.
type pull struct {
	registries.PullResult
	asked registries.Counts
}

// run does the whole demo. It fails if anything fails, and if the cache does not do what it is for.
func run(ctx context.Context, s *screen, sc scene) (err error) {
	d := &demo{screen: s, scene: sc}
	defer func() { err = errors.Join(err, d.close()) }()
	start := time.Now()
	s.printf("registry-cache demo: one image, pulled twice through a rendered pull-through cache.\n")
	s.printf("Everything stays on this machine: loopback addresses and temporary folders.\n")
	for _, step := range []func(context.Context) error{
		d.render, d.startUpstream, d.startCache, d.pullTwice, d.showMetrics,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := d.close(); err != nil {
		return err
	}
	s.printf("\nDone in %s. Both registries are stopped and their files removed.\n", seconds(time.Since(start)))
	return nil
}

// close stops what runs. It can be called again.
func (d *demo) close() error {
	var errs []error
	if d.cache != nil {
		errs = append(errs, d.cache.Close())
	}
	if d.upstream != nil {
		errs = append(errs, d.upstream.Close())
	}
	d.cache, d.upstream = nil, nil
	return errors.Join(errs...)
}

func (d *demo) render(context.Context) error {
	d.step("Render test/demo/registryconfig.yaml")
	d.text(registryConfig)
	start := time.Now()
	objects, config, env, err := render()
	if err != nil {
		return err
	}
	elapsed := time.Since(start)
	d.config, d.env = config, env
	d.printf("\n")
	var rows [][]string
	for _, o := range objects {
		rows = append(rows, []string{o.Kind(), o.Namespace(), o.Name()})
	}
	d.table(rows...)
	d.note("%d objects in %.1f ms. The Secret holds the registry's config.yml:", len(objects), float64(elapsed.Microseconds())/1000)
	d.printf("\n")
	d.text(config)
	return nil
}

// text shows a file.
func (d *demo) text(file []byte) {
	for line := range strings.Lines(string(file)) {
		d.note("   %s", strings.TrimSuffix(line, "\n"))
	}
}

func (d *demo) startUpstream(ctx context.Context) error {
	d.step("Start an upstream in Docker Hub's place, slow on purpose, with one image")
	u, err := registries.StartUpstream(registries.UpstreamOptions{Latency: d.latency, BytesPerSecond: d.bytesPerSecond})
	if err != nil {
		return err
	}
	d.upstream = u
	err = d.during("making an image", 0, func(func(int64)) error {
		pushed, err := u.PushRandomImage(ctx, image, d.layers, d.layerSize, 1)
		if err != nil {
			return err
		}
		manifest, err := pushed.Manifest()
		if err != nil {
			return err
		}
		for _, layer := range manifest.Layers {
			d.bytes += layer.Size
		}
		digest, err := pushed.Digest()
		d.digest = digest.String()
		return err
	})
	if err != nil {
		return err
	}
	d.table(
		[]string{"address", u.URL()},
		[]string{"slowed to", fmt.Sprintf("%d ms more per request, %d MB/s in all", d.latency.Milliseconds(), d.bytesPerSecond/1_000_000)},
		[]string{"image", fmt.Sprintf("docker.io/%s, %d layers, %s", image, d.layers, size(d.bytes))},
	)
	return nil
}

func (d *demo) startCache(ctx context.Context) error {
	d.step("Start the cache: registry-cache (distribution %s as a library) with the rendered config.yml", distributionVersion())
	err := d.during("starting", 0, func(func(int64)) (err error) {
		d.cache, err = registries.StartCache(ctx, registries.CacheOptions{
			Config: d.config, Env: d.env, Upstream: d.upstream,
		})
		return err
	})
	if err != nil {
		return err
	}
	d.note("Only addresses and folders are replaced, every other byte is as rendered:")
	for _, line := range d.cache.Diff() {
		key, change, _ := strings.Cut(line, ": ")
		d.note("%s:", key) // on a line of its own, lest the rest wraps
		d.note("   %s", change)
	}
	return nil
}

func (d *demo) pullTwice(ctx context.Context) error {
	d.step("Pull docker.io/%s twice through the cache", image)
	d.note("as %s/%s, with go-containerregistry", d.cache.Host(), image)
	for i, name := range []string{"pulling, first time ", "pulling, second time"} {
		before := d.upstream.Counts()
		err := d.during(name, d.bytes, func(done func(int64)) (err error) {
			d.pulls[i].PullResult, err = d.cache.Pull(ctx, image, done)
			return err
		})
		if err != nil {
			return err
		}
		d.pulls[i].asked = d.upstream.Counts().Sub(before)
	}
	first, second := d.pulls[0], d.pulls[1]
	d.table(
		[]string{"pull", "size", "time", "rate", "requests to the upstream"},
		first.row("first"),
		second.row("second"),
	)
	if first.Digest != d.digest || second.Digest != d.digest {
		return fmt.Errorf("pulled %s and %s, but pushed %s", first.Digest, second.Digest, d.digest)
	}
	if second.asked.Blobs != 0 {
		return fmt.Errorf("the second pull asked the upstream %d times for blobs", second.asked.Blobs)
	}
	d.note("Both pulls gave what was pushed, %s...", d.digest[:min(len(d.digest), 19)])
	d.note("The second took 1/%.0f of the time: it asked only whether the tag has moved.", first.Duration.Seconds()/second.Duration.Seconds())
	d.note("(How much that is depends on the upstream, which is slow here on purpose.)")
	return nil
}

func (p pull) row(name string) []string {
	return []string{
		name, size(p.Bytes), seconds(p.Duration), fmt.Sprintf("%.0f MB/s", float64(p.Bytes)/1e6/p.Duration.Seconds()),
		fmt.Sprintf("%d for manifests, %d for blobs", p.asked.Manifests, p.asked.Blobs),
	}
}

func (d *demo) showMetrics(ctx context.Context) error {
	d.step("Read the cache's own metrics: %s", d.cache.MetricsURL())
	metrics, err := d.cache.Metrics(ctx)
	if err != nil {
		return err
	}
	d.table(
		[]string{"type", "requests", "hits", "misses", "from upstream", "to client"},
		row("blob", metrics.Blob),
		row("manifest", metrics.Manifest),
	)
	if blobs := d.layers + 1; metrics.Blob.Misses != blobs || metrics.Blob.Hits != blobs {
		return fmt.Errorf("expected %d misses and as many hits for blobs, got %+v", blobs, metrics.Blob)
	}
	d.note("Blobs are the %d layers and the image's config: missed once, hit once.", d.layers)
	return nil
}

func row(name string, c registries.ProxyCounters) []string {
	n := func(i int64) string { return strconv.FormatInt(i, 10) }
	return []string{name, n(c.Requests), n(c.Hits), n(c.Misses), size(c.PulledBytes), size(c.PushedBytes)}
}

// distributionVersion returns the version that this program was built with.
func distributionVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/distribution/distribution/v3" {
				return module.Version
			}
		}
	}
	return "v3"
}
