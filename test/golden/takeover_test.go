package golden

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

// existing is what the API server keeps of a StatefulSet that gardener-extension-registry-cache v0.18 and later made: the
// fields that cannot be changed. It is written by hand and must not be updated: with another value the StatefulSet of a
// running landscape, and its volumes, would have to be replaced.
const existing = `
selector:
  matchLabels:
    app: registry-my-registry-io-5000
    upstream-host: my-registry.io-5000
volumeClaimTemplates:
- metadata:
    name: cache-volume
    labels:
      app: registry-my-registry-io-5000
      upstream-host: my-registry.io-5000
  spec:
    accessModes: [ReadWriteOnce]
    resources:
      requests:
        storage: 20Gi
`

// mutable are the fields of a StatefulSet's spec that the API server lets change.
var mutable = []string{
	"minReadySeconds", "ordinals", "persistentVolumeClaimRetentionPolicy", "replicas", "revisionHistoryLimit", "template", "updateStrategy",
}

func TestExistingStatefulSetsAreTakenOver(t *testing.T) {
	for version, cache := range map[string]string{
		"v1alpha1": `{"upstream":"my-registry.io:5000","size":"20Gi"}`,
		"v1alpha2": `{"upstream":"my-registry.io:5000","volume":{"size":"20Gi"}}`,
		"v1alpha3": `{"upstream":"my-registry.io:5000","volume":{"size":"20Gi"},"http":{"tls":false},"highAvailability":{"enabled":true},"serviceNameSuffix":"mine"}`,
	} {
		t.Run(version, func(t *testing.T) {
			config := fmt.Sprintf(`{"apiVersion":"functions.registry.extensions.gardener.cloud/v1alpha1","kind":"RegistryCaches","platform":"shoot",
				"registryConfig":{"apiVersion":"registry.extensions.gardener.cloud/%s","kind":"RegistryConfig","caches":[%s]}}`, version, cache)
			var statefulSet manifest.Object
			for _, o := range throughAPI(t, config, nil) {
				if o.Kind() == "StatefulSet" {
					statefulSet = o
				}
			}
			if name, want := statefulSet.ID().String(), "StatefulSet kube-system/registry-my-registry-io-5000"; name != want {
				t.Fatalf("got %s, want %s", name, want)
			}
			got := manifest.Map(statefulSet, "spec")
			for _, field := range mutable {
				delete(got, field)
			}
			want := objects(t, []*yaml.RNode{yaml.MustParse(existing)})[0]
			if version == "v1alpha1" {
				templates, _ := want["volumeClaimTemplates"].([]any)
				template, _ := templates[0].(map[string]any)
				manifest.Ensure(template, "spec")["storageClassName"] = "default"
			}
			if diff := cmp.Diff(map[string]any(want), got); diff != "" {
				t.Errorf("immutable fields differ (-existing +rendered):\n%s", diff)
			}
		})
	}
}
