package kustomize

import (
	"testing"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/names"
)

// renamed builds the minimal example as a resource of a kustomization that uses what we do not support.
func renamed(t *testing.T, k types.Kustomization) []manifest.Object {
	t.Helper()
	k.Resources = []string{"functions/examples/kustomize-minimal"}
	return parse(t, build(t, layer(t, k), withFunctions...))
}

// TestNamePrefixAndSuffixBreakTheNames: a node asks for the Service by its name, and the volume of a StatefulSet stays with
// its name. kustomize changes both.
func TestNamePrefixAndSuffixBreakTheNames(t *testing.T) {
	base, service := names.Object("docker.io"), names.Service("docker.io", nil)
	for _, k := range []types.Kustomization{{NamePrefix: "my-"}, {NameSuffix: "-2"}} {
		objects := renamed(t, k)
		find(t, objects, "Service", k.NamePrefix+service+k.NameSuffix)
		find(t, objects, "StatefulSet", k.NamePrefix+base+k.NameSuffix)
	}
}

// TestLabelsInSelectorsBreakUpdates: the selector and the claim templates of a StatefulSet are immutable. kustomize changes
// both.
func TestLabelsInSelectorsBreakUpdates(t *testing.T) {
	pairs := map[string]string{"team": "storage"}
	for _, k := range []types.Kustomization{
		{CommonLabels: pairs}, // deprecated, and still in use
		{Labels: []types.Label{{Pairs: pairs, IncludeSelectors: true}}},
	} {
		statefulSet := find(t, renamed(t, k), "StatefulSet", names.Object("docker.io"))
		selector := manifest.Map(statefulSet, "spec", "selector", "matchLabels")
		claim, _ := manifest.Map(statefulSet, "spec")["volumeClaimTemplates"].([]any)
		labels := manifest.Map(map[string]any{"claim": claim[0]}, "claim", "metadata", "labels")
		if selector["team"] == nil || labels["team"] == nil {
			t.Errorf("kustomize used to change the selector and the claim, got %v and %v", selector, labels)
		}
	}
}

// TestLabelsWithoutSelectors: this is the way to label everything.
func TestLabelsWithoutSelectors(t *testing.T) {
	pairs := map[string]string{"team": "storage"}
	objects := renamed(t, types.Kustomization{Labels: []types.Label{{Pairs: pairs}}})
	plain := renamed(t, types.Kustomization{})
	statefulSet := find(t, objects, "StatefulSet", names.Object("docker.io"))
	if statefulSet.Label("team") != "storage" {
		t.Errorf("the label must be set, got %v", statefulSet["metadata"])
	}
	want := find(t, plain, "StatefulSet", names.Object("docker.io"))["spec"]
	if got := canonical(t, statefulSet["spec"]); got != canonical(t, want) {
		t.Errorf("nothing but the label must change, got %s", got)
	}
}
