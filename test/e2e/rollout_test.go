//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/registries"
)

// rolledOut is how many pods a rollout has, each with an image of its own: what has one image in common is pulled once.
const rolledOut = 20

// TestRollout kills the cache in the middle of a rollout of pods, and compares to the same rollout on the same node before there
// was a cache, and with a cache that lives and has none of the images.
func TestRollout(t *testing.T) {
	// The upstream wants tokens, as Docker Hub does. It is paced, so that a rollout takes long enough to be hit, and is bound by it
	// and not by the test's machine.
	e := newEnv(t, options{hub: registries.UpstreamOptions{
		Auth: registries.AuthBearer, Public: func(string) bool { return true }, Latency: 50 * time.Millisecond, BytesPerSecond: 2_000_000,
	}})
	without := e.rollOut(e.pushMany("without"), func() {})
	e.t.Logf("without a cache: %s", without)

	e.apply(e.render("hub.yaml"))
	e.awaitUse(e.node, "docker.io")
	alive := e.rollOut(e.pushMany("alive"), func() {})
	e.t.Logf("with a cache: %s", alive)

	images := e.pushMany("killed")
	e.hub.Reset()
	killed := e.rollOut(images, func() {
		e.kubectl("delete", "pod", "-n", standaloneHub.namespace, standaloneHub.name, "--grace-period=0", "--force", "--wait=false")
	})
	e.t.Logf("with a cache that is killed after the first pods ran: %s", killed)
	through, itself := countBlobs(e.hub)
	e.t.Logf("the upstream gave the cache %d blobs and the node %d", through, itself)
	if through == 0 {
		t.Error("nothing came through the cache before it was killed")
	}
	e.forgiveWaits("cache killed")
	if killed.slowest > max(without.slowest, alive.slowest)+waited {
		t.Errorf("the slowest pod took %s when the cache was killed, %s while it lived and %s without", killed.slowest, alive.slowest, without.slowest)
	}
}

// waited is what a pod may lose when the cache dies: far less than the 30 seconds of one request to an address that is dead.
const waited = 15 * time.Second

// rollout is how long it took from its beginning until its pods ran.
type rollout struct{ median, slowest time.Duration }

func (r rollout) String() string {
	return fmt.Sprintf("%d pods, half of them run after %s, the last after %s", rolledOut, rounded(r.median), rounded(r.slowest))
}

// pushMany pushes the images of a rollout.
func (e *env) pushMany(name string) (images []string) {
	e.t.Helper()
	for i := range rolledOut {
		images = append(images, e.pushHub(fmt.Sprintf("library/%s-%d:1", name, i)))
	}
	return images
}

// rollOut runs a pod of each image, none of which the node has, calls a function when the first few run, and removes the pods and
// the images.
func (e *env) rollOut(images []string, middle func()) rollout {
	e.t.Helper()
	start := time.Now()
	for i, image := range images {
		e.createPod(fmt.Sprintf("app-%d", i), image, e.node)
	}
	times := e.awaitRollout(start, middle)
	e.must(e.Client().DeleteAllOf(e.ctx, &corev1.Pod{}, client.InNamespace(metav1.NamespaceDefault)))
	e.eventually(time.Minute, "the pods of the rollout are gone", func() error {
		if pods := e.pods(); len(pods) > 0 {
			return fmt.Errorf("%d are there", len(pods))
		}
		return nil
	})
	for _, image := range images {
		e.removeImage(image, e.node)
	}
	return rollout{median(times), times[len(times)-1]}
}

// pods returns those of the scenario.
func (e *env) pods() []corev1.Pod {
	e.t.Helper()
	list := &corev1.PodList{}
	e.must(e.Client().List(e.ctx, list, client.InNamespace(metav1.NamespaceDefault)))
	return list.Items
}

// awaitRollout waits until all pods run and returns when each was seen to, in their order.
func (e *env) awaitRollout(start time.Time, middle func()) (times []time.Duration) {
	e.t.Helper()
	e.eventually(4*time.Minute, "all pods of the rollout run", func() error {
		running := 0
		for _, pod := range e.pods() {
			if pod.Status.Phase == corev1.PodRunning {
				running++
			}
		}
		for len(times) < running {
			times = append(times, time.Since(start))
		}
		if running >= rolledOut/5 && middle != nil {
			middle()
			middle = nil
		}
		if running < rolledOut {
			return fmt.Errorf("%d do", running)
		}
		return nil
	})
	return times
}
