//go:build e2e

package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/tool"
)

// restarts is how often the pod is replaced: a pull has to begin in the right moment to notice one that goes wrong.
const restarts = 4

// TestRestart replaces a cache's pod, as a new configuration or a drained node does, while images are pulled all the time. No pull
// fails, and containerd never waits for an address behind which nobody is any more.
func TestRestart(t *testing.T) {
	e := newEnv(t, options{})
	e.apply(e.pipe("", tool.Path(t, "kustomize"), "build", "overlays/standalone"))
	image := e.pushHub("library/app:1")
	e.awaitUse(e.node, "docker.io")
	pulls := e.startPulls(e.node, image)
	for range restarts {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: standaloneHub.namespace, Name: standaloneHub.name}}
		e.must(e.Client().Get(e.ctx, client.ObjectKeyFromObject(pod), pod))
		e.must(e.Client().Delete(e.ctx, pod.DeepCopy()))
		took := e.eventually(time.Minute, "the cache has a new pod, and is used", func() error { return e.replaced(pod) })
		t.Logf("a new pod was ready %s after the old one was deleted", rounded(took))
		e.awaitUse(e.node, "docker.io")
	}
	pulls.expectNoneFailed("replacing the pod", guardedPull)
	for line := range strings.Lines(e.node.Logs(cluster.Containerd)) {
		if strings.Contains(line, "timeout") && strings.Contains(line, ":5000") {
			t.Errorf("containerd waited: %s", line)
		}
	}
}

// replaced returns an error until a pod's successor is ready.
func (e *env) replaced(old *corev1.Pod) error {
	pod := &corev1.Pod{}
	if err := e.Client().Get(e.ctx, client.ObjectKeyFromObject(old), pod); err != nil {
		return err
	}
	for _, condition := range pod.Status.Conditions {
		if pod.UID != old.UID && condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return errors.New("the new pod is not ready")
}
