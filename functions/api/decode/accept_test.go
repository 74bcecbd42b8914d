package decode_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// fullTexts has a text with every field of each kind, in the order of kinds.
var fullTexts = []string{
	`
apiVersion: registry.extensions.gardener.cloud/v1alpha1
kind: RegistryConfig
caches:
- upstream: docker.io
  size: 20Gi
  garbageCollection:
    enabled: false
  secretReferenceName: credentials
`, `
apiVersion: registry.extensions.gardener.cloud/v1alpha1
kind: RegistryStatus
caches:
- upstream: docker.io
  endpoint: http://10.4.0.10:5000
`, `
apiVersion: registry.extensions.gardener.cloud/v1alpha2
kind: RegistryConfig
caches:
- upstream: docker.io
  volume:
    size: 20Gi
    storageClassName: fast
  garbageCollection:
    enabled: true
  secretReferenceName: credentials
`, `
apiVersion: registry.extensions.gardener.cloud/v1alpha2
kind: RegistryStatus
caches:
- upstream: docker.io
  endpoint: http://10.4.0.10:5000
`, `
apiVersion: registry.extensions.gardener.cloud/v1alpha3
kind: RegistryConfig
caches:
- upstream: docker.io
  remoteURL: https://registry-1.docker.io
  volume:
    size: 20Gi
    storageClassName: fast
  garbageCollection:
    ttl: 336h
  secretReferenceName: credentials
  proxy:
    httpProxy: http://proxy.local:3128
    httpsProxy: https://proxy.local:3129
  http:
    tls: true
  highAvailability:
    enabled: true
  serviceNameSuffix: hub
`, `
apiVersion: registry.extensions.gardener.cloud/v1alpha3
kind: RegistryStatus
caSecretName: ca-extension-registry-cache-bundle-1234
caches:
- upstream: docker.io
  endpoint: https://10.4.0.10:5000
  remoteURL: https://registry-1.docker.io
`, `
apiVersion: mirror.extensions.gardener.cloud/v1alpha1
kind: MirrorConfig
mirrors:
- upstream: docker.io
  hosts:
  - host: https://mirror.gcr.io
    capabilities:
    - pull
    - resolve
    caBundleSecretReferenceName: bundle
    overridePath: true
`, `
apiVersion: functions.registry.extensions.gardener.cloud/v1alpha1
kind: RegistryCaches
registryConfig:
  caches:
  - upstream: docker.io
platform: shoot
namespace: registry-cache
registry: distribution
image: registry:3
verticalPodAutoscaler: true
services:
- upstream: docker.io
  clusterIP: 10.4.0.10
certificates:
  issuerRef:
    name: organisation
    kind: ClusterIssuer
    group: cert-manager.io
nodes:
  enabled: false
  image: helper:1
`, `
apiVersion: functions.registry.extensions.gardener.cloud/v1alpha1
kind: RegistryCleaner
upstreams:
- docker.io
platform: standalone
image: busybox:1
`, `
apiVersion: functions.registry.extensions.gardener.cloud/v1alpha1
kind: ContainerdRegistries
registries:
- upstream: docker.io
  server: https://registry-1.docker.io
  probe: true
  hosts:
  - url: http://10.4.0.10:5000
    capabilities:
    - pull
    overridePath: true
    caBundleSecretName: bundle
platform: shoot
image: busybox:1
`,
}

// TestEveryFieldOfEveryKind decodes a text with every field into each kind, leaving nothing empty.
func TestEveryFieldOfEveryKind(t *testing.T) {
	for i, into := range kinds() {
		t.Run(reflect.TypeOf(into).String(), func(t *testing.T) {
			expectFaults(t, decode.Strict([]byte(fullTexts[i]), into, nil))
			for _, name := range emptyFields(reflect.ValueOf(into).Elem(), "") {
				t.Errorf("field %s was not decoded", name)
			}
		})
	}
}

// emptyFields returns the names of all fields, also in nested structs and lists of our own, that have their zero value.
func emptyFields(v reflect.Value, name string) []string {
	if v.IsZero() {
		return []string{name}
	}
	var empty []string
	switch {
	case v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct:
		return emptyFields(v.Elem(), name)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			empty = append(empty, emptyFields(v.Index(i), name)...)
		}
	case v.Kind() == reflect.Struct && strings.HasPrefix(v.Type().PkgPath(), "github.com/registry-cache/"):
		for i := range v.NumField() {
			empty = append(empty, emptyFields(v.Field(i), name+"."+v.Type().Field(i).Name)...)
		}
	}
	return empty
}

func TestDecodedValues(t *testing.T) {
	config := &v1alpha3.RegistryConfig{}
	expectFaults(t, decode.Strict([]byte(fullTexts[4]), config, nil))

	cache := config.Caches[0]
	if cache.GarbageCollection.TTL.Duration != 336*time.Hour || cache.Volume.Size.String() != "20Gi" || !*cache.HTTP.TLS {
		got, _ := json.Marshal(config)
		t.Errorf("wrong values: %s", got)
	}
}

// TestJSONAndYAMLAgree decodes each kind's JSON form and expects the very same struct.
func TestJSONAndYAMLAgree(t *testing.T) {
	again := kinds()
	for i, into := range kinds() {
		expectFaults(t, decode.Strict([]byte(fullTexts[i]), into, nil))
		text, err := json.MarshalIndent(into, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		expectFaults(t, decode.Strict(text, again[i], nil))
		second, err := json.MarshalIndent(again[i], "", "\t")
		if err != nil || string(second) != string(text) {
			t.Errorf("%T: got %s after %s (%v)", into, second, text, err)
		}
	}
}

func TestIntoIsOverwritten(t *testing.T) {
	suffix := "old"
	config := &v1alpha3.RegistryConfig{Caches: []v1alpha3.RegistryCache{{ServiceNameSuffix: &suffix}}}
	expectFaults(t, decode.Strict([]byte("caches: [{upstream: docker.io}]"), config, nil))
	if len(config.Caches) != 1 || config.Caches[0].ServiceNameSuffix != nil {
		t.Errorf("the former content is still there: %+v", config)
	}
}

func TestIntoMustBeAPointerToAStruct(t *testing.T) {
	var typed *v1alpha3.RegistryConfig
	for _, into := range []any{nil, typed, v1alpha3.RegistryConfig{}, new(string), &map[string]any{}} {
		faults := decode.Strict([]byte("{}"), into, nil)
		if len(faults) != 1 || faults[0].Type != "InternalError" {
			t.Errorf("%T: got %v", into, faults)
		}
	}
}
