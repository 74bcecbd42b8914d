package kustomize

import (
	"path/filepath"
	"strings"
	"testing"
)

// The tests of this file pin what the READMEs say about the order in which kustomize works, and what two configs in one
// kustomization may share.

// TestBuiltInTransformersRunFirst: what stands in the kustomization of an external transformer does not reach what that
// makes; hence the two layers of kustomize-transformer-with-secrets.
func TestBuiltInTransformersRunFirst(t *testing.T) {
	namespaces := func(plugins string) string {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "registryconfig.yaml"), read(t, "functions/examples/kustomize-minimal/registryconfig.yaml"))
		write(t, filepath.Join(dir, "kustomization.yaml"), "namespace: elsewhere\n"+plugins+": [registryconfig.yaml]\n")
		return find(t, parse(t, build(t, dir, withFunctions...)), "StatefulSet", "registry-docker-io").Namespace()
	}
	if got := namespaces("generators"); got != "elsewhere" {
		t.Errorf("namespace must reach what a generator makes, got %s", got)
	}
	if got := namespaces("transformers"); got != "registry-cache" {
		t.Errorf("namespace used not to reach what a transformer makes, got %s", got)
	}
}

// twoConfigs builds a kustomization with two configs, for docker.io and for quay.io.
func twoConfigs(t *testing.T, plugins string, change func(second string) string) result {
	t.Helper()
	dir := t.TempDir()
	config := read(t, "functions/examples/kustomize-minimal/registryconfig.yaml")
	write(t, filepath.Join(dir, "one.yaml"), config)
	write(t, filepath.Join(dir, "two.yaml"), change(strings.Replace(config, "docker.io", "quay.io", 1)))
	write(t, filepath.Join(dir, "kustomization.yaml"), plugins+": [one.yaml, two.yaml]\n")
	return kustomize(t, dir, withFunctions...)
}

func withAnotherName(config string) string {
	return strings.Replace(config, "name: caches", "name: more-caches", 1)
}

func withAnotherVersion(config string) string {
	return strings.Replace(config, "/v1alpha3\nkind", "/v1alpha2\nkind", 1)
}

// TestTwoConfigsAsGenerators: both make what all caches share, which kustomize refuses.
func TestTwoConfigsAsGenerators(t *testing.T) {
	got := twoConfigs(t, "generators", withAnotherName)
	if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, `Kind:"Namespace"`) {
		t.Errorf("kustomize used to refuse the second Namespace, got %+v", got)
	}
}

// TestTwoConfigsAsTransformers: the second sees what the first made.
func TestTwoConfigsAsTransformers(t *testing.T) {
	got := statefulSets(t, twoConfigs(t, "transformers", withAnotherName))
	if got != "registry-docker-io registry-quay-io" {
		t.Errorf("two configs with different names must both be rendered, got %s", got)
	}
}

// TestTwoConfigsWithOneName: kustomize refuses them if they are of one version. Else the second takes what the first made
// for its own of an earlier run, from before the version was raised, and removes it.
func TestTwoConfigsWithOneName(t *testing.T) {
	got := twoConfigs(t, "transformers", strings.Clone)
	if got.code != 1 || !strings.Contains(got.stderr, "already registered id") {
		t.Errorf("kustomize used to refuse two configs with one version and name, got %+v", got)
	}
	if got := statefulSets(t, twoConfigs(t, "transformers", withAnotherVersion)); got != "registry-quay-io" {
		t.Errorf("of two configs with one name only the second used to be rendered, got %s", got)
	}
}

func statefulSets(t *testing.T, got result) string {
	t.Helper()
	if got.code != 0 {
		t.Fatalf("kustomize must succeed, got %+v", got)
	}
	var list []string
	for _, o := range ofKind(parse(t, got.stdout), "StatefulSet") {
		list = append(list, o.Name())
	}
	return strings.Join(list, " ")
}
