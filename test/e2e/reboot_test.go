//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestReboot reboots a node that has the cache and pods whose images come through it, without a word to anybody: hosts.toml names
// the cache when the node comes up, /run is empty, and nothing answers yet.
func TestReboot(t *testing.T) {
	e := newEnv(t, options{})
	e.apply(e.render("hub.yaml"))
	e.awaitUse(e.node, "docker.io")
	image := e.pushHub("library/app:1")
	e.runPod("app", image, e.node)
	e.removeImage(image, e.node) // the pod has to pull when it starts again

	e.hub.Reset()
	start := time.Now()
	e.must(e.node.Reboot(e.ctx))
	e.t.Logf("kubelet answers %s after the reboot began", rounded(time.Since(start)))
	e.awaitRestarted("app")
	pulled := e.pulledIn("app")
	e.t.Logf("the pod runs again after %s, its image pulled in %s", rounded(time.Since(start)), rounded(pulled))
	if pulled > direct {
		t.Errorf("pulling while the cache was down took %s", pulled)
	}
	e.awaitCache(standaloneHub)
	e.awaitUse(e.node, "docker.io")
	e.t.Logf("the cache is used again after %s", rounded(time.Since(start)))
	if waits := e.waits(e.node); len(waits) > 0 {
		e.t.Logf("kube-proxy was later than a pull: %s", waits)
		e.forgiveWaits("until the cache was used again")
	}

	e.removePod("app", image, e.node)
	e.hub.Reset()
	before := e.metrics(standaloneHub)
	e.t.Logf("a pod of a cached image runs after %s", rounded(e.runPod("later", image, e.node)))
	e.expectHits(e.hub, before, e.metrics(standaloneHub))
	state, err := e.node.Run(e.ctx, "/bin/sh", "-c", "cat /run/registry-cache/state*")
	e.must(err)
	e.t.Logf("the guard's state: %s", state)
}

// awaitRestarted waits until a pod of before the reboot runs again: its container is another one.
func (e *env) awaitRestarted(podName string) {
	e.t.Helper()
	e.eventually(3*time.Minute, "pod "+podName+" runs again", func() error {
		pod := &corev1.Pod{}
		if err := e.Client().Get(e.ctx, client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: podName}, pod); err != nil {
			return err
		}
		restarted := slices.ContainsFunc(pod.Status.ContainerStatuses, func(status corev1.ContainerStatus) bool {
			return status.RestartCount > 0 && status.State.Running != nil
		})
		if !restarted {
			return fmt.Errorf("its containers are %+v", pod.Status.ContainerStatuses)
		}
		return nil
	})
}

// pulledIn returns how long the last pull of a pod's image took, as its kubelet says.
func (e *env) pulledIn(podName string) (took time.Duration) {
	e.t.Helper()
	e.eventually(10*time.Second, "kubelet says how long the pull took", func() (err error) {
		list := &corev1.EventList{}
		if err := e.Client().List(e.ctx, list, client.InNamespace(metav1.NamespaceDefault)); err != nil {
			return err
		}
		var last metav1.Time
		err = errors.New("it does not")
		for _, event := range list.Items {
			found := pullTime.FindStringSubmatch(event.Message)
			if event.InvolvedObject.Name == podName && found != nil && !event.LastTimestamp.Before(&last) {
				last = event.LastTimestamp
				took, err = time.ParseDuration(found[1])
			}
		}
		return err
	})
	return took
}

var pullTime = regexp.MustCompile(`^Successfully pulled image .* in ([0-9hmsµ.]+) `)
