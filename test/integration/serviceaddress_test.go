//go:build integration

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestServiceDeletedByHand: it comes back with the address that the nodes know, from the resource-manager alone, and from a
// reconciliation if that one was away. The status never says anything else.
func TestServiceDeletedByHand(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("deleted")
	e.reconcile(s, config(secured("docker.io")))
	before := e.expectCaches("docker-io").service("docker-io")
	moment := e.now()

	e.must(e.Client().Delete(e.ctx, before.DeepCopy()))
	again := e.awaitOtherService(before)
	if found := e.since(moment, &extensionsv1alpha1.ExtensionList{}).in(s.Namespace); len(found) > 0 {
		t.Errorf("the resource-manager was not alone:%s", found)
	}

	e.must(e.Process(cluster.ResourceManager).Stop(10 * time.Second))
	e.must(e.Client().Delete(e.ctx, again.DeepCopy()))
	e.must(s.ApplyExtension(e.ctx, cacheExtension, config(secured("docker.io"))))
	e.awaitProcessing(s)
	e.must(e.StartResourceManager(e.ctx))
	e.must(s.WaitReady(e.ctx, cacheExtension))
	again = e.awaitOtherService(again)
	for _, service := range []*corev1.Service{before, again} {
		if service.Spec.ClusterIP != before.Spec.ClusterIP {
			t.Errorf("the Service has come back as %s, it was %s", service.Spec.ClusterIP, before.Spec.ClusterIP)
		}
	}
	for _, c := range e.since(moment, &extensionsv1alpha1.ExtensionList{}).in(s.Namespace) {
		if status := providerStatus(c.object); status == nil || status.Caches[0].Endpoint != "https://"+before.Spec.ClusterIP+":5000" {
			t.Errorf("at version %d the status was %+v", c.version, status)
		}
	}
}

// awaitOtherService waits until a Service that was deleted is back as another object, with the same address.
func (e *env) awaitOtherService(deleted *corev1.Service) (service *corev1.Service) {
	e.t.Helper()
	e.eventually(20*time.Second, func() error {
		service = e.shootObjects().service(strings.TrimPrefix(deleted.Name, "registry-"))
		if service == nil || service.UID == deleted.UID {
			return fmt.Errorf("Service %s is not back", deleted.Name)
		}
		return nil
	})
	if service.Spec.ClusterIP != deleted.Spec.ClusterIP {
		e.t.Errorf("Service %s has come back as %s, it was %s", service.Name, service.Spec.ClusterIP, deleted.Spec.ClusterIP)
	}
	return service
}

// awaitProcessing waits until the extension has begun with what it was asked for last.
func (e *env) awaitProcessing(s *cluster.Shoot) {
	e.t.Helper()
	e.eventually(20*time.Second, func() error {
		extension, err := s.Extension(e.ctx, cacheExtension)
		if err != nil {
			return err
		}
		if last := extension.Status.LastOperation; last.State != gardencorev1beta1.LastOperationStateProcessing {
			return fmt.Errorf("the last operation is %s", last.State)
		}
		return nil
	})
}

// TestServiceAddressStolen: somebody's Service has taken the address while ours was away. Ours gets another one at once, with
// a certificate for it, and the users learn of it; a second cache has its own address back.
func TestServiceAddressStolen(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("stolen")
	both := config(secured("docker.io"), secured("quay.io"))
	e.reconcile(s, both)
	before := e.expectCaches("docker-io", "quay-io")
	stolen := before.service("docker-io").Spec.ClusterIP

	e.must(e.Process(cluster.ResourceManager).Stop(10 * time.Second))
	e.must(e.Client().Delete(e.ctx, before.service("docker-io")))
	e.must(e.Client().Delete(e.ctx, before.service("quay-io")))
	thief := e.foreignService("thief", nil, stolen)
	e.must(e.StartResourceManager(e.ctx))
	if took := e.took("getting another address", func() { e.reconcile(s, both) }); took > 30*time.Second {
		t.Error("that is not at once")
	}

	after := e.shootObjects()
	address := after.service("docker-io").Spec.ClusterIP
	if address == stolen || after.service("quay-io").Spec.ClusterIP != before.service("quay-io").Spec.ClusterIP {
		t.Errorf("the Services have %s and %s", address, after.service("quay-io").Spec.ClusterIP)
	}
	e.expectStatus(s, "docker.io https docker-io", "quay.io https quay-io")
	e.expectCertificateFor(s, address)
	messages := e.events(s, "ServiceAddressLost")
	if len(messages) != 1 || allIn(messages[0], "registry-docker-io", stolen, "docker.io") != nil {
		t.Errorf("the events are %q", messages)
	}
	e.expectUntouched(thief)
	// From now on the new address is the one that is kept.
	e.must(e.Client().Delete(e.ctx, after.service("docker-io")))
	e.awaitOtherService(after.service("docker-io"))
}

// expectCertificateFor fails unless the certificate of the cache for docker.io is for an address, and trusted by nodes.
func (e *env) expectCertificateFor(s *cluster.Shoot, address string) {
	e.t.Helper()
	server := e.managedSecret(s, serverOfDocker)
	e.must(verify(e.parse(server.Data["tls.crt"])[0], e.trusted(s), address))
	e.awaitServed("docker-io", server.Data["tls.crt"])
}

// foreignService creates a Service in kube-system that is none of ours; expectUntouched removes it again.
func (e *env) foreignService(name string, labels map[string]string, address string) *corev1.Service {
	e.t.Helper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: name, Labels: labels},
		Spec: corev1.ServiceSpec{
			ClusterIP: address, Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Name: "web", Port: 80}},
		},
	}
	e.must(e.Client().Create(e.ctx, service))
	return service
}

// expectUntouched fails unless a foreign object is as it was, and removes it.
func (e *env) expectUntouched(service *corev1.Service) {
	e.t.Helper()
	got := service.DeepCopy()
	e.must(e.Client().Get(e.ctx, client.ObjectKeyFromObject(service), got))
	if got.ResourceVersion != service.ResourceVersion {
		e.t.Errorf("the Service %s of somebody else was changed", service.Name)
	}
	e.must(e.Client().Delete(e.ctx, got))
}
