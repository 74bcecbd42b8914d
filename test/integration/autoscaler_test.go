//go:build integration

package integration

import (
	"testing"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	vpaautoscalingv1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestVerticalPodAutoscaler: a cache has one exactly while the Shoot wants them.
func TestVerticalPodAutoscaler(t *testing.T) {
	e := newEnv(t)
	wanted := func(want bool) func(*gardencorev1beta1.Shoot) {
		return func(shoot *gardencorev1beta1.Shoot) {
			shoot.Spec.Kubernetes.VerticalPodAutoscaler = &gardencorev1beta1.VerticalPodAutoscaler{Enabled: want}
		}
	}
	s := e.newShoot("autoscaler", wanted(false))
	autoscaler := &vpaautoscalingv1.VerticalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "registry-docker-io"}}
	one := config(plain("docker.io"))
	e.reconcile(s, one)
	before := e.expectCaches("docker-io")
	e.must(e.gone(autoscaler.DeepCopy()))

	e.must(s.Update(e.ctx, wanted(true)))
	e.reconcile(s, one)
	e.eventually(20*time.Second, func() error { return e.Client().Get(e.ctx, client.ObjectKeyFromObject(autoscaler), autoscaler) })
	if ref := autoscaler.Spec.TargetRef; ref == nil || ref.Kind != "StatefulSet" || ref.Name != "registry-docker-io" || ref.APIVersion != "apps/v1" {
		t.Errorf("it scales %+v", ref)
	}
	if mode := autoscaler.Spec.UpdatePolicy.UpdateMode; mode == nil || *mode != vpaautoscalingv1.UpdateModeInPlaceOrRecreate {
		t.Errorf("its mode is %v", mode)
	}

	e.must(s.Update(e.ctx, wanted(false)))
	e.reconcile(s, one)
	e.eventually(20*time.Second, func() error { return e.gone(autoscaler.DeepCopy()) })
	e.expectKept(before, "docker-io")
}
