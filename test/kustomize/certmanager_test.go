package kustomize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/test/certmanager"
)

// pinned returns a folder with overlays/standalone, whose Service has a fixed address.
func pinned(t *testing.T) string {
	t.Helper()
	return layer(t, types.Kustomization{
		Resources: []string{"overlays/standalone"},
		Patches: []types.Patch{{
			Patch: "{apiVersion: v1, kind: Service, metadata: {name: registry-docker-io, namespace: registry-cache}, spec: {clusterIP: 10.96.0.50}}",
		}},
	})
}

// certificates are a config of two caches with TLS, one of them with a name and the address family of its own, and one without.
const certificates = `apiVersion: functions.registry.extensions.gardener.cloud/v1alpha1
kind: RegistryCaches
metadata:
  name: caches
certificates: {}
services:
- upstream: docker.io
  clusterIP: 10.96.0.50
- upstream: ghcr.io
  clusterIP: fd00:10:96::50
registryConfig:
  apiVersion: registry.extensions.gardener.cloud/v1alpha3
  kind: RegistryConfig
  caches:
  - upstream: docker.io
    http:
      tls: true
  - upstream: ghcr.io
    serviceNameSuffix: github
    http:
      tls: true
  - upstream: quay.io
`

// TestCertManager: what is asked of cert-manager is in testdata/cert-manager, for the Component on overlays/standalone and for the
// function with several caches, and an API server with cert-manager's definitions takes it.
func TestCertManager(t *testing.T) {
	validator, err := certmanager.NewValidator(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, objects := range map[string][]manifest.Object{
		"component":    parse(t, build(t, with(t, []string{pinned(t)}, "cert-manager"))),
		"function":     render(t, certificates),
		"organisation": render(t, strings.Replace(certificates, "{}", "{issuerRef: {kind: ClusterIssuer, name: organisation}}", 1)),
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			for _, o := range objects {
				if strings.HasPrefix(o.APIVersion(), certmanager.Group+"/") {
					if err := validator.Validate(o); err != nil {
						t.Error(err)
					}
					asked = append(asked, text(t, o))
				}
			}
			checkIssued(t, objects)
			path := filepath.Join("testdata", "cert-manager", name+".yaml")
			got := strings.Join(asked, "---\n")
			if *update {
				write(t, path, got)
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s differs (-expected +got), see -update:\n%s", path, diff)
			}
		})
	}
}

// text returns an object as YAML, without the function's mark.
func text(t *testing.T, o manifest.Object) string {
	t.Helper()
	o = o.DeepCopy()
	forget(o, "metadata", "annotations")
	content, err := yaml.Marshal(map[string]any(o))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// checkIssued: every cache with TLS mounts a Secret that a Certificate asks for, in its namespace and with the address of its
// Service; the nodes mount its ca.crt; and there is no Certificate for anything else but an authority.
func checkIssued(t *testing.T, objects []manifest.Object) {
	t.Helper()
	leaves := map[string]manifest.Object{}
	for _, o := range ofKind(objects, "Certificate") {
		if spec := manifest.Map(o, "spec"); spec["isCA"] != true {
			leaves[manifest.Text(spec, "secretName")] = o
		}
	}
	nodes := canonical(t, ofKind(objects, "DaemonSet"))
	for _, s := range ofKind(objects, "StatefulSet") {
		secret := keyPair(s)
		if secret == "" {
			continue
		}
		certificate, asked := leaves[secret]
		if !asked || certificate.Namespace() != s.Namespace() {
			t.Errorf("%s mounts %s, for which there must be a Certificate", s.ID(), secret)
			continue
		}
		delete(leaves, secret)
		service := serviceFor(t, objects, s)
		spec := manifest.Map(certificate, "spec")
		if addresses := canonical(t, spec["ipAddresses"]); addresses != `["`+manifest.Text(service, "spec", "clusterIP")+`"]` {
			t.Errorf("%s must have the address of %s, got %s", certificate.ID(), service.ID(), addresses)
		}
		if all := canonical(t, spec["dnsNames"]); !strings.Contains(all, `"`+service.Name()+`.`+service.Namespace()+`.svc"`) {
			t.Errorf("%s must have the name of %s, got %s", certificate.ID(), service.ID(), all)
		}
		if !strings.Contains(nodes, `{"items":[{"key":"ca.crt","path":"`+secret+`.crt"}],"name":"`+secret+`","optional":true}`) {
			t.Errorf("the nodes must mount ca.crt of %s", secret)
		}
		if service.Annotation("scheme") != "https" || !strings.Contains(nodes, s.Label("upstream-host")+",https://") {
			t.Errorf("%s and the nodes must say https", service.ID())
		}
	}
	if len(leaves) > 0 {
		t.Errorf("nobody mounts what is asked for: %v", leaves)
	}
}

// serviceFor returns the Service of a cache.
func serviceFor(t *testing.T, objects []manifest.Object, statefulSet manifest.Object) manifest.Object {
	t.Helper()
	for _, o := range ofKind(objects, "Service") {
		if o.Label("app") == statefulSet.Label("app") {
			return o
		}
	}
	t.Fatalf("%s has no Service", statefulSet.ID())
	return nil
}

// TestCertManagerNeedsAnAddress: without one no certificate would be right, and kustomize says what is missing.
func TestCertManagerNeedsAnAddress(t *testing.T) {
	got := kustomize(t, with(t, []string{"overlays/standalone"}, "cert-manager"))
	if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, "`spec.clusterIP` is missing for replacement source Service") {
		t.Errorf("kustomize must say that the address is missing, got %+v", got)
	}
}

// TestCertManagerFollowsTheNamespace of a layer below.
func TestCertManagerFollowsTheNamespace(t *testing.T) {
	moved := layer(t, types.Kustomization{Namespace: "elsewhere", Resources: []string{pinned(t)}})
	objects := parse(t, build(t, layer(t, types.Kustomization{
		Namespace: "elsewhere", Resources: []string{moved}, Components: []string{componentsFolder + "/cert-manager"},
	})))
	checkIssued(t, objects)
	for _, o := range append(ofKind(objects, "Certificate"), ofKind(objects, "Issuer")...) {
		if o.Namespace() != "elsewhere" {
			t.Errorf("%s must be where the caches are", o.ID())
		}
	}
}

// TestCertManagerOnGenerated: the Component takes the place of what the function made for the cache that it is for, and leaves the
// others their Certificates.
func TestCertManagerOnGenerated(t *testing.T) {
	dir := t.TempDir()
	var texts []string
	for _, o := range render(t, certificates) {
		texts = append(texts, text(t, o))
	}
	write(t, filepath.Join(dir, "rendered.yaml"), strings.Join(texts, "---\n"))
	write(t, filepath.Join(dir, "kustomization.yaml"), "resources: [rendered.yaml]\n")
	objects := parse(t, build(t, with(t, []string{dir}, "cert-manager")))
	checkSound(t, objects)
	checkIssued(t, objects)
}
