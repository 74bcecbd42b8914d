//go:build e2e

package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/nodeimages"
)

// The volume of TestClaim, and the images that do not all fit: what is free in it is more than a layer of the small ones and less
// than one of the large ones.
const (
	claimBytes      = 64 << 20
	smallLayerBytes = 2 << 20
	largeLayerBytes = 40 << 20
	smallImages     = 14
	// highWatermark is the percentage of the volume above which a cache evicts.
	highWatermark = 90
)

// TestClaim pulls more than the volume of a cache holds, and then while somebody else has filled it.
func TestClaim(t *testing.T) {
	e := newEnv(t, options{})
	folder := e.bindSmallClaim("volume-3")
	e.apply(e.render("hub.yaml"))
	e.awaitUse(e.node, "docker.io")

	var small []string
	var times []time.Duration
	for i := range smallImages {
		small = append(small, e.pushSized(fmt.Sprintf("library/small-%d:1", i), smallLayerBytes))
		times = append(times, e.pull(small[i], e.node))
	}
	e.t.Logf("%d images of 6 MiB through a volume of 64 MiB: half of them within %s", smallImages, rounded(median(times)))
	e.expectWatermark(folder)
	if evicted := e.metric(standaloneHub, "registry_cache_evictions_total", "cause", "space"); evicted == 0 {
		t.Error("nothing was evicted")
	}
	e.expectCached(small[smallImages-1])

	for i := range 2 {
		large := e.pushSized(fmt.Sprintf("library/large-%d:1", i), largeLayerBytes)
		if took := e.pull(large, e.node); took > 3*direct {
			t.Errorf("an image with layers larger than what is free took %s", took)
		} else {
			e.t.Logf("an image of 120 MiB, twice what the volume holds: %s", rounded(took))
		}
		e.expectWatermark(folder)
	}
	e.pull(small[0], e.node)
	e.expectCached(small[0])
	e.fill(folder)
}

// bindSmallClaim puts a small file system where a volume is, and keeps it for the cache of docker.io.
func (e *env) bindSmallClaim(volume string) (folder string) {
	e.t.Helper()
	folder = e.VolumeDir(volume)
	_, err := e.node.Run(e.ctx, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", claimBytes), "tmpfs", folder)
	e.must(err)
	found := &corev1.PersistentVolume{}
	e.must(e.Client().Get(e.ctx, client.ObjectKey{Name: volume}, found))
	found.Spec.ClaimRef = &corev1.ObjectReference{
		Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: standaloneHub.namespace, Name: "cache-volume-" + standaloneHub.name,
	}
	e.must(e.Client().Update(e.ctx, found))
	return folder
}

// pushSized pushes an image with layers of a size.
func (e *env) pushSized(repository string, layerBytes int) string {
	e.t.Helper()
	e.seed++
	image, err := nodeimages.App(base, nodeimages.AppOptions{Layers: appLayers, LayerBytes: layerBytes, Seed: e.seed})
	e.must(err)
	reference, err := name.ParseReference(e.hub.Host() + "/" + repository)
	e.must(err)
	e.must(remote.Write(reference, image, remote.WithContext(e.ctx), remote.WithTransport(e.hub.InMemory())))
	return "docker.io/" + repository
}

// expectWatermark waits until no more of the volume is used than is allowed. It holds at once but for what is being evicted.
func (e *env) expectWatermark(folder string) {
	e.t.Helper()
	e.eventually(15*time.Second, "the volume is used up to the high watermark at most", func() error {
		if used := e.usedPercent(folder); used > highWatermark {
			return fmt.Errorf("%d %% are used", used)
		}
		return nil
	})
}

// usedPercent returns what df says of the volume.
func (e *env) usedPercent(folder string) int {
	e.t.Helper()
	output, err := e.node.Run(e.ctx, "df", "--output=pcent", folder)
	e.must(err)
	_, percent, _ := strings.Cut(strings.TrimSpace(output), "\n")
	used, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(percent), "%"))
	e.must(err)
	return used
}

// fill lets somebody else's file take all room, also that which the cache gives up for it: pulls go on, nothing is stored, and the
// cache says so. Once the file is gone images are stored again.
func (e *env) fill(folder string) {
	e.t.Helper()
	took := e.eventually(time.Minute, "the volume is full of what is not the cache's", func() error {
		// It ends with an error when nothing is left.
		_, _ = e.node.Run(e.ctx, "dd", "if=/dev/zero", "of="+folder+"/foreign", "bs=64k", "oflag=append", "conv=notrunc")
		if blobs := e.metric(standaloneHub, "registry_cache_blobs"); blobs > 0 {
			return fmt.Errorf("%g blobs are there", blobs)
		}
		return nil
	})
	e.t.Logf("the cache has given up all it had %s after a file began to fill the volume", rounded(took))
	before := e.metric(standaloneHub, "registry_cache_not_stored_total", "cause", "no-space")
	image := e.pushSized("library/full:1", smallLayerBytes)
	for range 2 {
		e.hub.Reset()
		took := e.runPod("full", image, e.node)
		e.expectPulledThrough(e.hub)
		e.t.Logf("a pod of an image while the volume is full runs after %s", rounded(took))
		e.removePod("full", image, e.node)
	}
	if after := e.metric(standaloneHub, "registry_cache_not_stored_total", "cause", "no-space"); after <= before {
		e.t.Error("what was not stored is not counted")
	}
	for _, said := range []string{"no space left on device", "nothing in the store can be removed to make room"} {
		if !strings.Contains(e.logOf(standaloneHub), said) {
			e.t.Errorf("the log does not say %q", said)
		}
	}
	_, err := e.node.Run(e.ctx, "rm", folder+"/foreign")
	e.must(err)
	e.pull(image, e.node)
	e.expectCached(image)
}
