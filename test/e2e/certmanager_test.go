//go:build e2e

package e2e

import (
	"errors"

	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/certmanager"
	"github.com/registry-cache/registry-cache/test/registries"
)

// certManager applies the Component cert-manager as docs/gitops.md shows it, with the test in the role of cert-manager, which issues
// a first key pair and, while a node pulls, one of another authority.
func (e *env) certManager() {
	e.installCertManager()
	folder := e.certManagerKustomization()
	image := e.pushHub("library/certmanager:1")
	first, err := registries.NewCA()
	e.must(err)
	e.shell(folder, "kubectl apply -k .")
	e.playCertManager(first)
	e.t.Logf("used %s after its certificate was issued", rounded(e.awaitTLS(e.node, first)))
	e.pullThroughThenHit(image)
	e.rotate(image)
	e.deleteAtOnce(image, func() { e.shell(folder, "kubectl delete -k .") })
}

// installCertManager installs the definitions that the Component needs.
func (e *env) installCertManager() {
	e.t.Helper()
	folder, err := certmanager.CRDs(e.ctx)
	e.must(err)
	for _, plural := range []string{"certificates", "issuers"} {
		e.kubectl("apply", "--server-side", "-f", filepath.Join(folder, certmanager.Group+"_"+plural+".yaml"))
		e.kubectl("wait", "--for", "condition=Established", "--timeout", "30s", "crd/"+plural+"."+certmanager.Group)
	}
}

// certManagerKustomization writes what the document shows beside a copy of the repository, and returns its folder.
func (e *env) certManagerKustomization() string {
	e.t.Helper()
	blocks := e.document("docs/gitops.md", "TLS by cert-manager", "yaml", 3)
	folder := e.t.TempDir()
	for _, block := range blocks[1:] {
		path, content, _ := strings.Cut(block, "\n")
		e.write(folder, strings.TrimPrefix(path, "# "), content)
	}
	e.copyPublished(filepath.Join(folder, "registry-cache"))
	return folder
}

// playCertManager issues a key pair for each Certificate of a cache, for exactly what that asks for. That of the Component's own
// authority is left out, for the test is the authority.
func (e *env) playCertManager(authority *registries.CA) {
	e.t.Helper()
	certificates := &unstructured.UnstructuredList{}
	certificates.SetGroupVersionKind(schema.GroupVersionKind{Group: certmanager.Group, Version: "v1", Kind: "CertificateList"})
	e.must(e.Client().List(e.ctx, certificates, client.InNamespace(standaloneHub.namespace)))
	issued := 0
	for _, certificate := range certificates.Items {
		if isCA, _, _ := unstructured.NestedBool(certificate.Object, "spec", "isCA"); isCA {
			continue
		}
		secretName, _, err := unstructured.NestedString(certificate.Object, "spec", "secretName")
		e.must(err)
		addresses, _, err := unstructured.NestedStringSlice(certificate.Object, "spec", "ipAddresses")
		e.must(err)
		names, _, err := unstructured.NestedStringSlice(certificate.Object, "spec", "dnsNames")
		e.must(err)
		e.issue(authority, secretName, append(names, addresses...)...)
		issued++
	}
	if issued != 1 {
		e.t.Fatalf("want one Certificate for a cache, got %d of %d", issued, len(certificates.Items))
	}
}

// rotate issues a key pair of another authority. kubelet brings it to the cache and to the guards at different times; a pull between
// may go directly, but neither fails nor waits.
func (e *env) rotate(image string) {
	e.t.Helper()
	second, err := registries.NewCA()
	e.must(err)
	e.hub.Reset()
	pulls := e.startPulls(e.node, image)
	start := time.Now()
	e.playCertManager(second)
	e.awaitTLS(e.node, second)
	noted := time.Since(start)
	used := noted + e.awaitPulledThrough()
	pulls.expectNoneFailed("rotation of the authority", guardedPull)
	e.t.Logf("the node knows the new authority after %s, uses the cache by it after %s; %d pulls went directly meanwhile", rounded(noted), rounded(used), directPulls(e.hub.Requests()))

	e.hub.Reset()
	before := e.metrics(standaloneHub)
	e.pull(image, e.node)
	e.expectHits(e.hub, before, e.metrics(standaloneHub))
}

// awaitPulledThrough waits until what a node pulls all the time comes through the cache: some pulls without one in between that
// asks the upstream.
func (e *env) awaitPulledThrough() time.Duration {
	e.t.Helper()
	since, direct := registries.ProxyMetrics{}, -1
	return e.eventually(time.Minute, "pulls come through the cache", func() error {
		now, metrics := directPulls(e.hub.Requests()), e.metrics(standaloneHub)
		if now != direct {
			since, direct = metrics, now
			return errors.New("nodes pull directly")
		}
		if metrics.Sub(since).Blob.Hits < 3*appLayers {
			return errors.New("there was no pull")
		}
		return nil
	})
}
