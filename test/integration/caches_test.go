//go:build integration

package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/test/cluster"
)

// config returns a providerConfig of v1alpha3 with these caches, each in JSON.
func config(caches ...string) []byte {
	return []byte(`{"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "kind": "RegistryConfig", "caches": [` +
		strings.Join(caches, ", ") + `]}`)
}

// plain and secured are caches without and with TLS.
func plain(upstream string) string {
	return fmt.Sprintf(`{"upstream": %q, "volume": {"size": "1Gi"}, "http": {"tls": false}}`, upstream)
}

func secured(upstream string) string {
	return fmt.Sprintf(`{"upstream": %q, "volume": {"size": "1Gi"}}`, upstream)
}

// reconcile applies the Extension as gardenlet does, and waits until it is ready.
func (e *env) reconcile(s *cluster.Shoot, config []byte) v1alpha3.RegistryStatus {
	e.t.Helper()
	e.must(s.ApplyExtension(e.ctx, cacheExtension, config))
	e.must(s.WaitReady(e.ctx, cacheExtension))
	return e.status(s)
}

// disable deletes the Extension as gardenlet does, and waits until it is gone.
func (e *env) disable(s *cluster.Shoot) {
	e.t.Helper()
	e.must(s.DeleteExtension(e.ctx, cacheExtension))
	e.must(s.WaitDeleted(e.ctx, cacheExtension))
}

// status returns the providerStatus of the Extension.
func (e *env) status(s *cluster.Shoot) (status v1alpha3.RegistryStatus) {
	e.t.Helper()
	extension, err := s.Extension(e.ctx, cacheExtension)
	e.must(err)
	if extension.Status.ProviderStatus == nil {
		return status
	}
	e.must(json.Unmarshal(extension.Status.ProviderStatus.Raw, &status))
	return status
}

// inShoot are the objects of caches in the shoot, by "<kind> <name>".
type inShoot map[string]client.Object

// shootObjects reads what is in the shoot.
func (e *env) shootObjects() inShoot {
	e.t.Helper()
	found := inShoot{}
	for kind, list := range map[string]client.ObjectList{
		"Service": &corev1.ServiceList{}, "StatefulSet": &appsv1.StatefulSetList{}, "Secret": &corev1.SecretList{},
		"PersistentVolumeClaim": &corev1.PersistentVolumeClaimList{},
	} {
		e.must(e.Client().List(e.ctx, list, client.InNamespace("kube-system"), client.HasLabels{"upstream-host"}))
		for _, object := range items(list) {
			found[kind+" "+object.GetName()] = object
		}
	}
	daemonSets := &appsv1.DaemonSetList{}
	e.must(e.Client().List(e.ctx, daemonSets, client.InNamespace("kube-system")))
	for i := range daemonSets.Items {
		found["DaemonSet "+daemonSets.Items[i].Name] = &daemonSets.Items[i]
	}
	return found
}

// items returns the objects of a list.
func items(list client.ObjectList) (objects []client.Object) {
	switch list := list.(type) {
	case *corev1.ServiceList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	case *appsv1.StatefulSetList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	case *corev1.SecretList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	case *corev1.PersistentVolumeClaimList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	}
	return objects
}

// names are the kinds and names, sorted.
func (i inShoot) names() []string { return slices.Sorted(maps.Keys(i)) }

// has returns an error unless exactly these objects, Secrets aside, are in the shoot.
func (i inShoot) has(want ...string) error {
	var got []string
	for _, name := range i.names() {
		if !strings.HasPrefix(name, "Secret ") {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("in the shoot are %v, want %v", got, want)
	}
	return nil
}

// objectsOf are the names of what the shoot has of the caches for some upstreams, pods and claims included as far as the
// StatefulSet controller makes them.
func objectsOf(names ...string) (objects []string) {
	for _, name := range names {
		objects = append(objects, "Service registry-"+name, "StatefulSet registry-"+name,
			"PersistentVolumeClaim cache-volume-registry-"+name+"-0")
	}
	return objects
}

// expectCaches waits until the shoot has exactly these caches, by the names of their objects without "registry-".
func (e *env) expectCaches(names ...string) inShoot {
	e.t.Helper()
	var found inShoot
	e.eventually(45*time.Second, func() error {
		found = e.shootObjects()
		return found.has(objectsOf(names...)...)
	})
	return found
}

// service returns a Service of a cache.
func (i inShoot) service(name string) *corev1.Service {
	service, _ := i["Service registry-"+name].(*corev1.Service)
	return service
}

// expectStatus compares the endpoints in the status with those of Services in the shoot, in their order: each is
// "<upstream> <scheme> <name of the Service without registry->".
func (e *env) expectStatus(s *cluster.Shoot, want ...string) {
	e.t.Helper()
	status, found := e.status(s), e.shootObjects()
	var got []string
	for _, cache := range status.Caches {
		got = append(got, cache.Upstream+" "+cache.Endpoint)
	}
	var expected []string
	for _, line := range want {
		words := strings.Fields(line)
		service := found.service(words[2])
		if service == nil {
			e.t.Fatalf("no Service registry-%s among %v", words[2], found.names())
		}
		expected = append(expected, fmt.Sprintf("%s %s://%s:5000", words[0], words[1], service.Spec.ClusterIP))
	}
	if !slices.Equal(got, expected) {
		e.t.Fatalf("the status has %v, want %v", got, expected)
	}
}

// events returns the messages of events on the Extension with a reason.
func (e *env) events(s *cluster.Shoot, reason string) (messages []string) {
	e.t.Helper()
	var list corev1.EventList
	e.must(e.Client().List(e.ctx, &list, client.InNamespace(s.Namespace)))
	for _, event := range list.Items {
		if event.Reason == reason && event.InvolvedObject.Kind == "Extension" {
			messages = append(messages, event.Message)
		}
	}
	return messages
}

// managedResource returns an error unless the ManagedResource of the shoot is there, or not, as wanted.
func (e *env) noManagedResources(s *cluster.Shoot) error {
	var failed []error
	for _, name := range []string{"extension-registry-cache", "extension-registry-cache-services", "extension-registry-configuration-cleaner"} {
		failed = append(failed, e.gone(managedResource(s, name)))
	}
	return errors.Join(failed...)
}
