package kustomize

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

// The tests of this file pin what kustomize does without its flags, which our READMEs warn of. If one fails, kustomize has
// changed, maybe for the better: change what the READMEs say.

// TestGeneratorWithoutEnableExec: nothing is printed and the exit code is 0. What applies that with pruning deletes all
// caches.
func TestGeneratorWithoutEnableExec(t *testing.T) {
	got := kustomize(t, "functions/examples/kustomize-minimal", "--enable-alpha-plugins")
	if got != (result{}) {
		t.Errorf("kustomize used to print nothing and to exit with 0 without --enable-exec, got %+v", got)
	}
}

// TestTransformerWithoutEnableExec: the resources pass through as if there were no function.
func TestTransformerWithoutEnableExec(t *testing.T) {
	dir := t.TempDir()
	example := "functions/examples/kustomize-transformer-with-secrets/render/"
	write(t, filepath.Join(dir, "credentials.yaml"), read(t, example+"credentials.yaml"))
	write(t, filepath.Join(dir, "registryconfig.yaml"), read(t, example+"registryconfig.yaml"))
	write(t, filepath.Join(dir, "other.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n")
	write(t, filepath.Join(dir, "kustomization.yaml"),
		"resources: [credentials.yaml, other.yaml]\ntransformers: [registryconfig.yaml]\n")

	if all := parse(t, build(t, dir, withFunctions...)); len(ofKind(all, "StatefulSet")) != 1 {
		t.Fatalf("with the flags there must be a StatefulSet, got %s", kinds(all))
	}
	got := kustomize(t, dir, "--enable-alpha-plugins")
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("kustomize used to exit with 0 and say nothing without --enable-exec, got %+v", got)
	}
	if left := kinds(parse(t, got.stdout)); left != "ConfigMap Secret" && left != "Secret ConfigMap" {
		t.Errorf("kustomize used to leave the Secret and the ConfigMap alone without --enable-exec, got %s", left)
	}
}

// TestWithoutEnableAlphaPlugins: this one kustomize does refuse.
func TestWithoutEnableAlphaPlugins(t *testing.T) {
	for _, flags := range [][]string{nil, {"--enable-exec"}} {
		got := kustomize(t, "functions/examples/kustomize-minimal", flags...)
		if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, "external plugins disabled") {
			t.Errorf("kustomize used to fail with flags %q, got %+v", flags, got)
		}
	}
}

func kinds(objects []manifest.Object) string {
	list := make([]string, len(objects))
	for i, o := range objects {
		list[i] = o.Kind()
	}
	return strings.Join(list, " ")
}
