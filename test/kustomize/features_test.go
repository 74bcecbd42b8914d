package kustomize

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

// generated returns a folder with what a user generates for a platform, rendered already, so that the function need not
// run with every Component.
func generated(t *testing.T, platform string) string {
	t.Helper()
	source := userGenerates[0]
	if platform == "shoot" {
		source = onShoot(t)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rendered.yaml"), build(t, source, withFunctions...))
	write(t, filepath.Join(dir, "kustomization.yaml"), "resources: [rendered.yaml]\n")
	return dir
}

// onShoot returns a folder in which a user renders a golden case for platform shoot, of whose caches docker.io has every
// feature and the others have some.
func onShoot(t *testing.T) string {
	t.Helper()
	const golden = "test/golden/testdata/all-fields-shoot/"
	config, err := yaml.Parse(read(t, golden+"config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const function = "config.kubernetes.io/function"
	if err := config.PipeE(yaml.SetAnnotation(function, "exec: {path: registry-cache-fn}")); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.yaml"), config.MustString())
	// Local, as a user would mark them.
	write(t, filepath.Join(dir, "input.yaml"), strings.ReplaceAll(read(t, golden+"input.yaml"), "metadata:\n",
		"metadata:\n  annotations: {config.kubernetes.io/local-config: \"true\"}\n"))
	write(t, filepath.Join(dir, "kustomization.yaml"), "resources: [input.yaml]\ntransformers: [config.yaml]\n")
	return dir
}

// onEachPlatform builds generated caches with Components, on either platform, in one layer and in two. On a shoot the
// platform's Component comes last, as in the functions, because Components do not know the namespace there.
func onEachPlatform(t *testing.T, names []string, test func(*testing.T, []manifest.Object)) {
	t.Helper()
	for _, platform := range []string{"standalone", "shoot"} {
		before := generated(t, platform)
		t.Run(strings.Join(append(names, platform), ","), func(t *testing.T) {
			t.Parallel()
			added := slices.Clone(names)
			if platform == "shoot" {
				added = append(added, platform)
			}
			one := with(t, []string{before}, added...)
			test(t, parse(t, build(t, one)))
			two := with(t, []string{one}, added...)
			test(t, parse(t, build(t, two)))
		})
	}
}

// TestOneBudgetPerPod: every pod is selected by exactly one PodDisruptionBudget, whatever the config made before.
func TestOneBudgetPerPod(t *testing.T) {
	for _, names := range [][]string{
		{"pod-disruption-budget"}, {"high-availability"}, {"high-availability-shoot"},
		{"high-availability", "pod-disruption-budget"},
	} {
		onEachPlatform(t, names, func(t *testing.T, objects []manifest.Object) {
			t.Helper()
			for _, s := range ofKind(objects, "StatefulSet") {
				if n := budgets(objects, s); n != 1 {
					t.Errorf("the pods of %s must have one PodDisruptionBudget, got %d", s.ID(), n)
				}
			}
		})
	}
}

// budgets counts the PodDisruptionBudgets that select the pods of a StatefulSet.
func budgets(objects []manifest.Object, statefulSet manifest.Object) (n int) {
	labels := manifest.Map(statefulSet, "spec", "template", "metadata", "labels")
	for _, budget := range ofKind(objects, "PodDisruptionBudget") {
		selects := budget.Namespace() == statefulSet.Namespace()
		for key, value := range manifest.Map(budget, "spec", "selector", "matchLabels") {
			selects = selects && labels[key] == value
		}
		if selects {
			n++
		}
	}
	return n
}

// TestOneAutoscalerPerStatefulSet: two would fight.
func TestOneAutoscalerPerStatefulSet(t *testing.T) {
	onEachPlatform(t, []string{"vertical-pod-autoscaler"}, func(t *testing.T, objects []manifest.Object) {
		t.Helper()
		found := map[manifest.ID]int{}
		for _, o := range ofKind(objects, "VerticalPodAutoscaler") {
			target := manifest.Map(o, "spec", "targetRef")
			name, _ := target["name"].(string)
			found[manifest.ID{Group: "apps", Kind: "StatefulSet", Namespace: o.Namespace(), Name: name}]++
		}
		for _, s := range ofKind(objects, "StatefulSet") {
			if found[s.ID()] != 1 {
				t.Errorf("%s must have one VerticalPodAutoscaler, got %d", s.ID(), found[s.ID()])
			}
		}
		if len(found) != len(ofKind(objects, "StatefulSet")) {
			t.Errorf("every VerticalPodAutoscaler must have a StatefulSet, got %v", found)
		}
	})
}

// TestCachesKeepTheirKeyPair: a cache that has TLS by its config mounts its own Secret, the others mount that which the
// Component names.
func TestCachesKeepTheirKeyPair(t *testing.T) {
	for _, platform := range []string{"standalone", "shoot"} {
		before := generated(t, platform)
		own := map[string]string{}
		for _, s := range ofKind(parse(t, build(t, before)), "StatefulSet") {
			own[s.Name()] = keyPair(s)
		}
		if own[hasFeatures] == "" || own[hasNone] != "" {
			t.Fatalf("the caches must differ before the Component is added, got %v", own)
		}
		component := map[string]string{"standalone": "tls", "shoot": "tls-shoot"}[platform]
		objects := parse(t, build(t, with(t, []string{before}, component, platform)))
		for _, s := range ofKind(objects, "StatefulSet") {
			want := own[s.Name()]
			if want == "" {
				want = "registry-cache-tls"
			}
			if got := keyPair(s); got != want {
				t.Errorf("%s must mount the key pair %s, got %s", s.ID(), want, got)
			}
		}
		for _, o := range ofKind(objects, "Service") {
			if o.Annotation("scheme") != "https" {
				t.Errorf("%s must say that it serves https", o.ID())
			}
		}
	}
}

// keyPair returns the name of the Secret with the key pair that the pods mount, "" if there is none.
func keyPair(statefulSet manifest.Object) string {
	volumes := manifest.Map(statefulSet, "spec", "template", "spec")["volumes"]
	return manifest.Text(manifest.Named(volumes, "certs-volume"), "secret", "secretName")
}
