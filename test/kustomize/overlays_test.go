package kustomize

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

// TestOverlaysEqualTheFunction guards that the bases, which people use without any plugin, and the functions agree: what
// an overlay prints is what the function makes of the smallest config for its platform.
func TestOverlaysEqualTheFunction(t *testing.T) {
	for overlay, config := range map[string]string{
		"overlays/standalone": `{"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "kind": "RegistryConfig",
			"caches": [{"upstream": "docker.io"}]}`,
		"overlays/shoot": `{"apiVersion": "functions.registry.extensions.gardener.cloud/v1alpha1", "kind": "RegistryCaches",
			"platform": "shoot", "registryConfig": {"apiVersion": "registry.extensions.gardener.cloud/v1alpha3",
			"kind": "RegistryConfig", "caches": [{"upstream": "docker.io", "http": {"tls": false}}]}}`,
	} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			got := comparison(t, parse(t, build(t, overlay)))
			if diff := cmp.Diff(comparison(t, render(t, config)), got); diff != "" {
				t.Errorf("%s and the function differ (-function +overlay):\n%s", overlay, diff)
			}
		})
	}
}

func render(t *testing.T, text string) []manifest.Object {
	t.Helper()
	config, err := input.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := pipeline.Render(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out.Objects
}

// comparison returns the objects by their identity as YAML, with config.yml as a structure, and without what only the
// function knows: its mark, the hashes of content, and on a shoot what makes Gardener collect old Secrets.
func comparison(t *testing.T, objects []manifest.Object) map[string]string {
	t.Helper()
	texts := map[string]string{}
	hashed := map[string]string{}
	for _, o := range objects {
		if o.Kind() == "Secret" {
			withoutHash(o, hashed)
			showConfig(t, o)
		}
		forget(o, "metadata", "annotations")
		forget(o, "spec", "template", "metadata", "annotations")
		text, err := yaml.Marshal(map[string]any(o))
		if err != nil {
			t.Fatal(err)
		}
		texts[o.ID().String()] = string(text)
	}
	for id, text := range texts {
		for _, name := range slices.Sorted(maps.Keys(hashed)) {
			text = strings.ReplaceAll(text, name, hashed[name])
		}
		texts[id] = text
	}
	return texts
}

// withoutHash undoes what makes a Secret of a shoot unique, and keeps its two names.
func withoutHash(secret manifest.Object, hashed map[string]string) {
	const collectable = "resources.gardener.cloud/garbage-collectable-reference"
	if secret.Label(collectable) == "" {
		return
	}
	delete(manifest.Map(secret, "metadata", "labels"), collectable)
	delete(secret, "immutable")
	name := secret.Name()
	plain := name[:strings.LastIndex(name, "-")]
	hashed[name] = plain
	secret.SetName(plain)
}

func showConfig(t *testing.T, secret manifest.Object) {
	t.Helper()
	data := manifest.Map(secret, "data")
	encoded, _ := data["config.yml"].(string)
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(text) == 0 {
		t.Fatalf("%s has no config.yml: %v", secret.ID(), err)
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		t.Fatal(err)
	}
	data["config.yml"] = config
}

// forget drops annotations that only the function writes, and the map if it is empty then.
func forget(o manifest.Object, path ...string) {
	annotations := manifest.Map(o, path...)
	maps.DeleteFunc(annotations, func(key string, _ any) bool {
		return key == fnv1alpha1.GeneratedByAnnotation || strings.HasPrefix(key, fnv1alpha1.GroupName+"/") && strings.HasSuffix(key, "-hash") ||
			strings.HasPrefix(key, "reference.resources.gardener.cloud/secret-")
	})
	last := len(path) - 1
	if parent := manifest.Map(o, path[:last]...); parent != nil && len(annotations) == 0 {
		delete(parent, path[last])
	}
}
