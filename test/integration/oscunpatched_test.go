//go:build integration

package integration

import (
	"fmt"
	"testing"
	"time"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestOperatingSystemConfigUnpatched: when there are no nodes, or none that should use caches, gardenlet's text stays as it
// is. Each case begins with one that is patched, so that none is unpatched for another's reason.
func TestOperatingSystemConfigUnpatched(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("unpatched")
	e.awaitWebhooks(e.extension.Webhook)
	e.reconcile(s, config(plain("docker.io")))

	e.awaitOSC(s, patched)
	e.labelNamespace(s, "false")
	e.awaitOSC(s, untouched)
	e.labelNamespace(s, "true")

	e.awaitOSC(s, patched)
	e.must(s.Hibernate(e.ctx, true))
	e.awaitOSC(s, untouched)
	e.must(s.Hibernate(e.ctx, false))

	e.awaitOSC(s, patched)
	e.disableSlowly(s, func() { e.must(untouched(e.applyOSC(s))) })
	e.must(untouched(e.applyOSC(s)))
	e.reconcile(s, config(plain("docker.io")))

	e.awaitOSC(s, patched)
	e.must(s.MarkDeleted(e.ctx, false))
	e.awaitOSC(s, untouched)
}

// labelNamespace says whether the Shoot has an Extension for caches, as gardenlet does when the user has enabled or disabled it.
func (e *env) labelNamespace(s *cluster.Shoot, value string) {
	e.t.Helper()
	namespace := &corev1.Namespace{}
	e.must(e.Client().Get(e.ctx, client.ObjectKey{Name: s.Namespace}, namespace))
	patch := client.MergeFrom(namespace.DeepCopy())
	namespace.Labels["extensions.gardener.cloud/registry-cache"] = value
	e.must(e.Client().Patch(e.ctx, namespace, patch))
}

// disableSlowly deletes the Extension and does something when the extension has let it go and it is still there, because
// another one holds it.
func (e *env) disableSlowly(s *cluster.Shoot, meanwhile func()) {
	e.t.Helper()
	const hold = "test.example/hold"
	change := func(finalizers func(client.Object, string) bool) {
		extension, err := s.Extension(e.ctx, cacheExtension)
		e.must(err)
		patch := client.MergeFrom(extension.DeepCopy())
		finalizers(extension, hold)
		e.must(e.Client().Patch(e.ctx, extension, patch))
	}
	change(controllerutil.AddFinalizer)
	e.must(s.DeleteExtension(e.ctx, cacheExtension))
	e.eventually(60*time.Second, func() error {
		extension := &extensionsv1alpha1.Extension{}
		if err := e.Client().Get(e.ctx, client.ObjectKey{Namespace: s.Namespace, Name: cacheExtension}, extension); err != nil {
			return err
		}
		if len(extension.Finalizers) != 1 {
			return fmt.Errorf("the Extension has the finalizers %v", extension.Finalizers)
		}
		return nil
	})
	meanwhile()
	change(controllerutil.RemoveFinalizer)
	e.must(s.WaitDeleted(e.ctx, cacheExtension))
}
