//go:build integration

package integration

import (
	"testing"
	"time"

	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestRequestLost leaves of a request what an extension leaves that is killed right after it has taken it: the time of the request,
// and a status that does not know of it. The next one makes up for it.
func TestRequestLost(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("lost")
	two := []wanted{{"docker.io", false}, {"quay.io", false}}
	e.must(s.ApplyExtension(e.ctx, cacheExtension, configOf(two[:1])))
	e.must(s.WaitReady(e.ctx, cacheExtension))

	e.must(e.extension.Kill())
	time.Sleep(1100 * time.Millisecond) // the time of a status has whole seconds
	e.must(s.ApplyExtension(e.ctx, cacheExtension, configOf(two)))
	ex := &extensionsv1alpha1.Extension{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: cacheExtension}}
	e.must(e.Client().Get(e.ctx, client.ObjectKeyFromObject(ex), ex))
	asked := ex.DeepCopy()
	delete(ex.Annotations, v1beta1constants.GardenerOperation)
	e.must(e.Client().Patch(e.ctx, ex, client.MergeFrom(asked)))

	e.extension = e.startController("extension", "--log-level=debug")
	e.waitHealthy(e.extension, "/readyz")
	e.must(s.WaitReady(e.ctx, cacheExtension))
	e.expectEnd(s, two)
	e.disable(s)
	e.expectNothing(s)
}
