//go:build integration

package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// wanted is a cache in a config.
type wanted struct {
	upstream string
	tls      bool
}

func (w wanted) String() string {
	if w.tls {
		return "https " + w.upstream
	}
	return "http " + w.upstream
}

// name is that of its objects without "registry-".
func (w wanted) name() string { return strings.ReplaceAll(w.upstream, ".", "-") }

// configOf is the providerConfig with some caches.
func configOf(caches []wanted) []byte {
	var texts []string
	for _, w := range caches {
		if w.tls {
			texts = append(texts, secured(w.upstream))
		} else {
			texts = append(texts, plain(w.upstream))
		}
	}
	return config(texts...)
}

// expectEnd waits until there is exactly what some caches need, and fails if anything is left of whatever was interrupted
// before: no cleaner, no other ManagedResource, no certificate that nobody uses.
func (e *env) expectEnd(s *cluster.Shoot, caches []wanted) {
	e.t.Helper()
	var names, lines []string
	certificates := map[string]int{}
	for _, w := range caches {
		names = append(names, w.name())
		scheme, _, _ := strings.Cut(w.String(), " ")
		lines = append(lines, fmt.Sprintf("%s %s %s", w.upstream, scheme, w.name()))
		if w.tls {
			certificates["registry-"+w.name()+"-tls"]++
			certificates[authority], certificates[authority+"-bundle"] = 1, 1
		}
	}
	e.expectCaches(names...)
	e.expectStatus(s, lines...)
	e.awaitApplied(s)
	e.eventually(20*time.Second, func() error { return e.rightCertificates(caches) })
	e.must(errors.Join(e.onlyManagedResources(s), e.onlyCertificates(s, certificates)))
	e.expectMonitoring(s)
}

// rightCertificates returns an error unless exactly the caches with TLS have a certificate.
func (e *env) rightCertificates(caches []wanted) error {
	found := e.shootObjects()
	for _, w := range caches {
		set := found.statefulSet(w.name())
		if set == nil || (secretVolume(set, "certs-volume") != "") != w.tls {
			return fmt.Errorf("the StatefulSet of %s is not there, or has a certificate when it should not, or the other way round", w.upstream)
		}
	}
	return nil
}

// onlyManagedResources returns an error if there is another ManagedResource than those of the caches.
func (e *env) onlyManagedResources(s *cluster.Shoot) error {
	var list resourcesv1alpha1.ManagedResourceList
	if err := e.Client().List(e.ctx, &list, client.InNamespace(s.Namespace)); err != nil {
		return err
	}
	var names []string
	for _, resource := range list.Items {
		names = append(names, "ManagedResource "+resource.Name)
	}
	slices.Sort(names)
	if want := []string{cachesResource, servicesResource}; !slices.Equal(names, want) {
		return fmt.Errorf("the ManagedResources are %v, want %v", names, want)
	}
	return nil
}

// onlyCertificates returns an error unless there are exactly these, each as often as wanted, and the status names the bundle.
func (e *env) onlyCertificates(s *cluster.Shoot, want map[string]int) error {
	got := map[string]int{}
	bundle := ""
	for _, secret := range e.managedSecrets(s, "") {
		name := secret.Labels["name"]
		got[name]++
		if name == authority+"-bundle" {
			bundle = secret.Name
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Errorf("the certificates are %v, want %v", got, want)
	}
	status := e.status(s)
	if named := bundleOf(&status); named != bundle {
		return fmt.Errorf("the status names the bundle %q, want %q", named, bundle)
	}
	return nil
}
