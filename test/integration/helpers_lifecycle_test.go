//go:build integration

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	"github.com/gardener/gardener/pkg/resourcemanager/controller/garbagecollector/references"
	"github.com/gardener/gardener/pkg/utils/kubernetes/health"
	"github.com/gardener/gardener/pkg/utils/managedresources"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/monitoring"
	"github.com/registry-cache/registry-cache/functions/pipeline"
	"github.com/registry-cache/registry-cache/test/cluster"
)

// monitoringObjects are what the seed has for the monitoring of caches, with nothing but kinds and names.
func (e *env) monitoringObjects(s *cluster.Shoot) (objects []*unstructured.Unstructured) {
	e.t.Helper()
	rendered, err := monitoring.Render(monitoring.Values{Namespace: s.Namespace, CASecretName: "any"})
	e.must(err)
	for _, object := range rendered {
		u := &unstructured.Unstructured{}
		u.SetAPIVersion(object.APIVersion())
		u.SetKind(object.Kind())
		u.SetNamespace(s.Namespace)
		u.SetName(object.Name())
		objects = append(objects, u)
	}
	return objects
}

// expectMonitoring fails unless all of the monitoring is there.
func (e *env) expectMonitoring(s *cluster.Shoot) {
	e.t.Helper()
	for _, object := range e.monitoringObjects(s) {
		e.must(e.Client().Get(e.ctx, client.ObjectKeyFromObject(object), object))
	}
}

// seedIsEmpty returns an error that names what an extension that is gone has left in the seed, ManagedResources aside. What
// the garbage collector takes later is not left behind.
func (e *env) seedIsEmpty(s *cluster.Shoot) error {
	var left []error
	for _, object := range e.monitoringObjects(s) {
		left = append(left, e.gone(object))
	}
	for _, secret := range e.managedSecrets(s, "") {
		left = append(left, fmt.Errorf("the certificate %s is still there", secret.Name))
	}
	var secrets corev1.SecretList
	e.must(e.Client().List(e.ctx, &secrets, client.InNamespace(s.Namespace)))
	for _, secret := range secrets.Items {
		if strings.HasPrefix(secret.Name, "managedresource-") && secret.Labels[references.LabelKeyGarbageCollectable] == "" {
			left = append(left, fmt.Errorf("the Secret %s is still there", secret.Name))
		}
	}
	return errors.Join(left...)
}

// expectNothing waits until neither shoot nor seed has anything of ours, the shoot nothing but foreign objects.
func (e *env) expectNothing(s *cluster.Shoot, foreign ...string) {
	e.t.Helper()
	e.eventually(30*time.Second, func() error {
		return errors.Join(e.noManagedResources(s), e.seedIsEmpty(s), e.shootObjects().has(foreign...))
	})
	policy := &unstructured.Unstructured{}
	policy.SetAPIVersion("networking.k8s.io/v1")
	policy.SetKind("NetworkPolicy")
	policy.SetNamespace(metav1.NamespaceSystem)
	policy.SetName("gardener.cloud--allow-registry-cache")
	e.must(e.gone(policy))
}

// beingDeleted returns an error unless a ManagedResource is on its way out, and still there.
func (e *env) beingDeleted(s *cluster.Shoot, names ...string) error {
	var failed []error
	for _, name := range names {
		resource := managedResource(s, name)
		if err := e.Client().Get(e.ctx, client.ObjectKeyFromObject(resource), resource); err != nil {
			failed = append(failed, err)
		} else if resource.DeletionTimestamp == nil {
			failed = append(failed, fmt.Errorf("the ManagedResource %s is not being deleted", name))
		}
	}
	return errors.Join(failed...)
}

// leaveCleaner makes the cleaner that an operation left behind which was interrupted, and waits until it is in the shoot and the
// resource-manager knows that: it would never delete it else.
func (e *env) leaveCleaner(s *cluster.Shoot, upstreams ...string) {
	e.t.Helper()
	config, err := input.Parse(fmt.Appendf(nil, `{"apiVersion": %q, "kind": "RegistryCleaner", "platform": "shoot", "upstreams": ["%s"]}`,
		v1alpha1.APIVersion, strings.Join(upstreams, `", "`)))
	e.must(err)
	out, err := pipeline.Render(config, nil)
	e.must(err)
	data := map[string][]byte{}
	for _, object := range out.Objects {
		text, err := json.Marshal(object)
		e.must(err)
		data[object.Kind()+".json"] = text
	}
	name := strings.TrimPrefix(cleanerResource, "ManagedResource ")
	e.must(managedresources.CreateForShoot(e.ctx, e.Client(), s.Namespace, name, "registry-cache", false, data))
	daemonSet := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{
		Namespace: v1alpha1.ShootNamespace, Name: strings.TrimPrefix(cleaner, "DaemonSet "),
	}}
	e.eventually(30*time.Second, func() error {
		return errors.Join(e.Client().Get(e.ctx, client.ObjectKeyFromObject(daemonSet), daemonSet), e.applied(s, name))
	})
}

// noKubeconfig makes the shoot's API server unreachable for the extension, as it is for a hibernated or broken shoot, and
// returns what makes it reachable again. Nobody listens at the address that it has meanwhile.
func (e *env) noKubeconfig(s *cluster.Shoot, kubeconfig string) (restore func()) {
	e.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: v1beta1constants.SecretNameGardener}}
	e.must(e.Client().Get(e.ctx, client.ObjectKeyFromObject(secret), secret))
	good := secret.Data["kubeconfig"]
	set := func(ctx context.Context, text []byte) error {
		patch := client.MergeFrom(secret.DeepCopy())
		secret.Data["kubeconfig"] = text
		return e.Client().Patch(ctx, secret, patch)
	}
	e.must(set(e.ctx, []byte(kubeconfig)))
	return func() { e.must(set(e.ctx, good)) }
}

// unreachable is a kubeconfig of an API server that is not there, broken is none at all.
const (
	unreachable = `{"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
		"clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:1"}}], "users": [{"name": "x", "user": {"token": "x"}}]}`
	broken = "not a kubeconfig"
)

// fallAsleep is what a hibernation leaves: no resource-manager, and an API server that does not answer the extension. What is
// in the shoot stays to be looked at. The function returned wakes the shoot up again.
func (e *env) fallAsleep(s *cluster.Shoot) (wakeUp func()) {
	e.t.Helper()
	e.must(s.Hibernate(e.ctx, true))
	e.must(e.Process(cluster.ResourceManager).Stop(10 * time.Second))
	restore := e.noKubeconfig(s, unreachable)
	return func() {
		e.t.Helper()
		restore()
		e.must(e.StartResourceManager(e.ctx))
		e.must(s.Hibernate(e.ctx, false))
	}
}

// same fails if one of some objects is another than before, or one of another spec or address; only lists those that must be
// the same.
func (e *env) same(before, after inShoot, only ...string) {
	e.t.Helper()
	for _, id := range only {
		if err := sameObject(before[id], after[id]); err != nil {
			e.t.Errorf("%s: %v", id, err)
		}
	}
}

func sameObject(before, after client.Object) error {
	switch {
	case before == nil || after == nil:
		return errors.New("it is not there")
	case before.GetUID() != after.GetUID():
		return errors.New("it was made anew")
	case before.GetGeneration() != after.GetGeneration():
		return fmt.Errorf("it was changed: %s", cmp.Diff(before, after))
	}
	if old, ok := before.(*corev1.Service); ok { // Services have no generation
		if diff := cmp.Diff(old.Spec, after.(*corev1.Service).Spec); diff != "" {
			return errors.New(diff)
		}
	}
	return nil
}

// expectEvent waits for an event on the Extension whose message has all of these words.
func (e *env) expectEvent(s *cluster.Shoot, reason string, words ...string) {
	e.t.Helper()
	e.eventually(10*time.Second, func() error {
		messages := e.events(s, reason)
		for _, message := range messages {
			if containsAll(message, words) {
				return nil
			}
		}
		return fmt.Errorf("events %s are %q, none with all of %q", reason, messages, words)
	})
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// awaitApplied waits until the resource-manager has applied the caches and their Services as they were deployed last.
func (e *env) awaitApplied(s *cluster.Shoot) {
	e.t.Helper()
	e.eventually(45*time.Second, func() error {
		var failed []error
		for _, name := range []string{"extension-registry-cache", "extension-registry-cache-services"} {
			failed = append(failed, e.applied(s, name))
		}
		return errors.Join(failed...)
	})
}

// applied returns an error unless the resource-manager has applied a ManagedResource as it was deployed last.
func (e *env) applied(s *cluster.Shoot, name string) error {
	resource := managedResource(s, name)
	if err := e.Client().Get(e.ctx, client.ObjectKeyFromObject(resource), resource); err != nil {
		return err
	}
	return health.CheckManagedResourceApplied(resource)
}
