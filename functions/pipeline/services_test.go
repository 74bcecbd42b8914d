package pipeline_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

const threeCaches = `
apiVersion: functions.registry.extensions.gardener.cloud/v1alpha1
kind: RegistryCaches
metadata:
  name: caches
platform: shoot
services:
- upstream: quay.io
  clusterIP: 10.96.0.7
registryConfig:
  apiVersion: registry.extensions.gardener.cloud/v1alpha3
  kind: RegistryConfig
  caches:
  - upstream: quay.io
    http: {tls: TLS}
  - upstream: docker.io
    serviceNameSuffix: hub
    http: {tls: false}
  - upstream: ghcr.io
    secretReferenceName: credentials
    http: {tls: false}
`

func threeCachesWithTLS(value string) string { return strings.ReplaceAll(threeCaches, "TLS", value) }

func validCredentials() manifest.Object {
	return credentials(map[string]any{"username": "u", "password": "p"})
}

// TestServicesAreThoseOfTheWhole: what is deployed first must not change when the rest follows.
func TestServicesAreThoseOfTheWhole(t *testing.T) {
	items := []manifest.Object{validCredentials()}
	config := parse(t, threeCachesWithTLS("false"))
	services, err := pipeline.RenderServices(config, items)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pipeline.Render(config, items)
	if err != nil {
		t.Fatal(err)
	}
	var want []manifest.Object
	for _, o := range out.Objects {
		if o.Kind() == "Service" {
			want = append(want, o)
		}
	}
	if len(want) != 3 {
		t.Fatalf("Render has %d Services, want 3", len(want))
	}
	if diff := cmp.Diff(want, services); diff != "" {
		t.Error(diff)
	}
}

// TestServicesNeedNoKeyPair: the certificate names the address that the Service is still to get.
func TestServicesNeedNoKeyPair(t *testing.T) {
	config := parse(t, threeCachesWithTLS("true"))
	if _, err := pipeline.Render(config, []manifest.Object{validCredentials()}); err == nil {
		t.Fatal("Render must demand the key pair, or this test shows nothing")
	}
	services, err := pipeline.RenderServices(config, []manifest.Object{validCredentials()})
	if err != nil {
		t.Fatal(err)
	}
	if len(services) != 3 || services[2].Annotation("scheme") != "https" {
		t.Errorf("got %v", services)
	}
}

// TestServicesOfWhatCannotBeRendered: nothing is deployed of a config that would fail later on.
func TestServicesOfWhatCannotBeRendered(t *testing.T) {
	for name, c := range map[string]struct {
		config input.Config
		items  []manifest.Object
		cause  fault.Cause
	}{
		"credentials missing": {config: parse(t, threeCachesWithTLS("true")), cause: fault.Secret},
		"config wrong": {
			config: parse(t, strings.Replace(threeCachesWithTLS("true"), "quay.io", "quay.io/path", 1)),
			items:  []manifest.Object{validCredentials()}, cause: fault.Configuration,
		},
		"claim of another size": {
			config: parse(t, threeCachesWithTLS("true")), cause: fault.Item,
			items: []manifest.Object{validCredentials(), {
				"apiVersion": "apps/v1", "kind": "StatefulSet",
				"metadata": map[string]any{
					"name": "registry-docker-io", "namespace": "kube-system", "labels": map[string]any{"upstream-host": "docker.io"},
				},
				"spec": map[string]any{"volumeClaimTemplates": []any{map[string]any{
					"metadata": map[string]any{"name": "cache-volume"},
					"spec":     map[string]any{"resources": map[string]any{"requests": map[string]any{"storage": "1Gi"}}},
				}}},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			services, err := pipeline.RenderServices(c.config, c.items)
			list, ok := fault.FromError(err)
			if !ok || !list.Only(c.cause) || services != nil {
				t.Errorf("got %v and %v, want faults of cause %s only", services, err, c.cause)
			}
		})
	}
}
