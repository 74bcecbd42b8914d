//go:build integration

package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/extension"
)

// cacheExtension and mirrorExtension are the extension types, and the names that gardenlet gives their Extensions.
const (
	cacheExtension  = "registry-cache"
	mirrorExtension = "registry-mirror"
)

// scenarioTimeout bounds one scenario; gardenlet's own waits for an Extension take 3 minutes at most.
const scenarioTimeout = 8 * time.Minute

// env is what one scenario has for itself: a cluster, in it the extension, and the Shoots that it makes.
type env struct {
	t   *testing.T
	ctx context.Context
	*cluster.Cluster
	// extension is the running process of the extension; nil for a scenario that starts its own.
	extension *extension.Process
}

// newEnv waits for a cluster and starts the extension in it.
func newEnv(t *testing.T, args ...string) *env {
	t.Helper()
	e := newBareEnv(t)
	e.extension = e.startController("extension", args...)
	e.waitHealthy(e.extension, "/readyz")
	return e
}

// newBareEnv waits for a cluster without the extension. A scenario that fails prints what the programs said; its cluster is
// not used again.
func newBareEnv(t *testing.T) *env {
	t.Helper()
	t.Parallel()
	c, giveBack, err := clusters.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), scenarioTimeout)
	e := &env{t: t, ctx: ctx, Cluster: c}
	t.Cleanup(func() {
		cancel()
		if t.Failed() {
			t.Logf("what the extension printed last:\n%s", tail(c.Logs("extension"), 6000))
			t.Logf("what the resource-manager printed last:\n%s", tail(c.Logs(cluster.ResourceManager), 2000))
		}
		if err := giveBack(!t.Failed()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// newShoot creates a Shoot, with the CA bundle that gardenlet makes for its API server, and removes it after the scenario:
// the cluster is given back as it was.
func (e *env) newShoot(name string, changes ...func(*gardencorev1beta1.Shoot)) *cluster.Shoot {
	e.t.Helper()
	s, err := e.NewShoot(e.ctx, name, changes...)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		if e.t.Failed() {
			return // the cluster goes with it
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := e.remove(ctx, s); err != nil {
			e.t.Errorf("removing the shoot: %v", err)
		}
	})
	e.must(e.Client().Create(e.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.Namespace, Name: "ca-bundle-0a1b2c3d",
		Labels: map[string]string{"managed-by": "secrets-manager", "manager-identity": "gardenlet", "bundle-for": "ca", "name": "ca-bundle"},
	}}))
	return s
}

// remove deletes the Shoot as its deletion would.
func (e *env) remove(ctx context.Context, s *cluster.Shoot) error {
	if err := s.Hibernate(ctx, false); err != nil {
		return err
	}
	if err := s.MarkDeleted(ctx, false); err != nil {
		return err
	}
	for _, extension := range []string{cacheExtension, mirrorExtension} {
		if err := s.DeleteExtension(ctx, extension); err != nil {
			return err
		}
		if err := s.WaitDeleted(ctx, extension); err != nil {
			return err
		}
	}
	if err := e.Client().DeleteAllOf(ctx, &extensionsv1alpha1.OperatingSystemConfig{}, client.InNamespace(s.Namespace)); err != nil {
		return err
	}
	return s.Delete(ctx)
}

// must ends the scenario with an error.
func (e *env) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// eventually waits until check gives no error, or ends the scenario with its last one.
func (e *env) eventually(timeout time.Duration, check func() error) {
	e.t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || e.ctx.Err() != nil {
			e.t.Fatalf("after %s: %v", timeout, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// gone returns an error while an object exists.
func (e *env) gone(object client.Object) error {
	err := e.Client().Get(e.ctx, client.ObjectKeyFromObject(object), object)
	if client.IgnoreNotFound(err) != nil || meta.IsNoMatchError(err) {
		return err
	}
	if err == nil {
		return fmt.Errorf("%T %s is still there", object, client.ObjectKeyFromObject(object))
	}
	return nil
}
