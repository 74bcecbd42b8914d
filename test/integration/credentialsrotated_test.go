//go:build integration

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gardener/gardener/pkg/resourcemanager/controller/garbagecollector"
	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// TestCredentialsRotated: another Secret under the same reference is another config for the cache, and one update of its
// StatefulSet. The config with the old credentials does not stay in the shoot.
func TestCredentialsRotated(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("rotated")
	e.must(s.PutSecret(e.ctx, "docker", credentials("docker-v1", map[string]string{"username": "old-user", "password": "old-word"})))
	e.reconcile(s, config(private("docker.io", "docker")))
	before := e.expectCaches("docker-io")
	old := secretVolume(before.statefulSet("docker-io"), "config-volume")
	e.expectConfig(old, "old-user", "old-word")

	moment := e.now()
	e.must(s.PutSecret(e.ctx, "docker", credentials("docker-v2", map[string]string{"username": "new-user", "password": "new-word"})))
	e.reconcile(s, config(private("docker.io", "docker")))
	var after inShoot
	e.eventually(30*time.Second, func() error {
		after = e.shootObjects()
		if got := secretVolume(after.statefulSet("docker-io"), "config-volume"); got == old {
			return fmt.Errorf("the StatefulSet still has the config %s", got)
		}
		return nil
	})
	set := after.statefulSet("docker-io")
	e.expectConfig(secretVolume(set, "config-volume"), "new-user", "new-word")
	e.expectKept(before, "docker-io")

	e.replacePod("docker-io", secretVolume(set, "config-volume"))
	e.collectGarbage()
	gone := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: old}}
	e.must(e.gone(gone))
	generations := map[int64]bool{}
	for _, c := range e.since(moment, &appsv1.StatefulSetList{}).of("StatefulSet registry-docker-io") {
		generations[c.object.GetGeneration()] = true
	}
	delete(generations, before.statefulSet("docker-io").Generation)
	if len(generations) != 1 {
		t.Errorf("the StatefulSet was changed %d times, want once", len(generations))
	}
	e.expectConfig(secretVolume(e.shootObjects().statefulSet("docker-io"), "config-volume"), "new-user", "new-word")
}

// expectConfig fails unless a Secret in the shoot is a config for docker.io with these credentials.
func (e *env) expectConfig(name, username, password string) {
	e.t.Helper()
	secret, _ := e.shootObjects()["Secret "+name].(*corev1.Secret)
	if secret == nil || !strings.HasPrefix(name, "registry-docker-io-config-") {
		e.t.Fatalf("there is no Secret %q with a config", name)
	}
	e.must(allIn(string(secret.Data["config.yml"]), username, password))
}

// replacePod waits until the pod of a cache uses a Secret. Without nodes none is ever ready, and the controller of StatefulSets
// does not replace what is not ready (https://github.com/kubernetes/kubernetes/issues/67250): so the old one is deleted here.
func (e *env) replacePod(cache, secret string) {
	e.t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "registry-" + cache + "-0"}}
	e.must(e.Client().Delete(e.ctx, pod.DeepCopy()))
	e.eventually(20*time.Second, func() error {
		if err := e.Client().Get(e.ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		for _, volume := range pod.Spec.Volumes {
			if volume.Secret != nil && volume.Secret.SecretName == secret {
				return nil
			}
		}
		return fmt.Errorf("the pod %s does not use the Secret %s", pod.Name, secret)
	})
}

// collectGarbage runs the resource-manager's own garbage collector, which spares what is younger than 10 minutes, as if these
// had passed.
func (e *env) collectGarbage() {
	e.t.Helper()
	atOnce := time.Duration(0)
	collector := &garbagecollector.Reconciler{TargetClient: e.Client(), Clock: clock.RealClock{}, MinimumObjectLifetime: &atOnce}
	collector.Config.SyncPeriod = &metav1.Duration{Duration: time.Hour} // for its manager, which it has none of
	_, err := collector.Reconcile(logf.IntoContext(e.ctx, logr.Discard()), reconcile.Request{})
	e.must(err)
}
