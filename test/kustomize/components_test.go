package kustomize

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

const componentsFolder = "overlays/components"

// component is what a Component is expected to do.
type component struct {
	// kind and adds say what it adds: all objects of this kind that belong to a cache contain the text in their JSON.
	kind, adds string
	// once says that kustomize refuses it in two layers.
	once bool
	// only is the one object that it changes, "" for all of the kind.
	only string
	// pinned says that it needs an address of the Service, and a platform.
	pinned bool
}

var components = map[string]component{
	"cert-manager":            {kind: "StatefulSet", adds: `"secretName":"registry-docker-io-tls"`, only: "registry-docker-io", pinned: true},
	"credentials":             {kind: "StatefulSet", adds: `"mountPath":"/etc/distribution/credentials"`, only: "registry-docker-io"},
	"credentials-shoot":       {kind: "StatefulSet", adds: `"mountPath":"/etc/distribution/credentials"`, only: "registry-docker-io", once: true},
	"distribution":            {kind: "StatefulSet", adds: `"image":"europe-docker.pkg.dev/gardener-project/releases/3rd/registry:`},
	"high-availability":       {kind: "StatefulSet", adds: `"topologySpreadConstraints":[`},
	"high-availability-shoot": {kind: "StatefulSet", adds: `"high-availability-config.resources.gardener.cloud/type":"server"`},
	"metrics":                 {kind: "Service", adds: `"port":5001`},
	"pod-disruption-budget":   {kind: "PodDisruptionBudget", adds: `"maxUnavailable":1`},
	"proxy":                   {kind: "StatefulSet", adds: `"name":"HTTP_PROXY"`},
	"shoot":                   {kind: "StatefulSet", adds: `"networking.gardener.cloud/to-dns":"allowed"`},
	"standalone":              {kind: "StatefulSet", adds: `"persistentVolumeClaimRetentionPolicy":{`},
	"tls":                     {kind: "StatefulSet", adds: `"mountPath":"/etc/distribution/certs"`},
	// A second one would take the place of a Secret that has a key pair by now.
	"tls-shoot":               {kind: "StatefulSet", adds: `"mountPath":"/etc/distribution/certs"`, once: true},
	"vertical-pod-autoscaler": {kind: "VerticalPodAutoscaler", adds: `"controlledValues":"RequestsOnly"`},
}

// forEachComponent runs a test for every Component that exists.
func forEachComponent(t *testing.T, test func(t *testing.T, path string, c component)) {
	t.Helper()
	for _, path := range folders(t, componentsFolder) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			c, ok := components[filepath.Base(path)]
			if !ok {
				t.Fatalf("say in %T what %s adds", components, path)
			}
			test(t, path, c)
		})
	}
}

// with adds Components to resources, in a layer of their own, and returns its folder.
func with(t *testing.T, resources []string, names ...string) string {
	t.Helper()
	k := types.Kustomization{Resources: append([]string{}, resources...)}
	for _, name := range names {
		k.Components = append(k.Components, filepath.Join(componentsFolder, name))
	}
	return layer(t, k)
}

var (
	plainBases    = []string{"bases/common", "bases/cache"}
	userGenerates = []string{"test/kustomize/testdata/standalone"}
)

// Of the caches that the user generates, one has by its config what Components add, the other has nothing of it.
const (
	hasFeatures = "registry-docker-io"
	hasNone     = "registry-quay-io"
)

// bases are what the Component can do without a generator.
func (c component) bases(t *testing.T) []string {
	t.Helper()
	if c.pinned {
		return []string{pinned(t)}
	}
	return plainBases
}

// TestComponentsOnBases: each Component does what it says for bases/cache, without any plugin.
func TestComponentsOnBases(t *testing.T) {
	forEachComponent(t, func(t *testing.T, path string, c component) {
		got := kustomize(t, with(t, c.bases(t), filepath.Base(path)))
		if got.code != 0 || got.stderr != "" {
			t.Fatalf("kustomize must succeed without a warning, got %+v", got)
		}
		objects := parse(t, got.stdout)
		checkSound(t, objects)
		checkAdded(t, objects, c, 1)
	})
}

// TestComponentsOnGenerated: each Component does it for all caches that a generator makes, those that have it already
// among them.
func TestComponentsOnGenerated(t *testing.T) {
	forEachComponent(t, func(t *testing.T, path string, c component) {
		objects := parse(t, build(t, with(t, userGenerates, filepath.Base(path)), withFunctions...))
		checkSound(t, objects)
		checkAdded(t, objects, c, 2)
	})
}

// checkAdded: every object of the kind, or the only one, has what the Component adds, and there is one for each cache; but one
// PodDisruptionBudget does for all.
func checkAdded(t *testing.T, objects []manifest.Object, c component, caches int) {
	t.Helper()
	found := ofKind(objects, c.kind)
	for _, o := range found {
		if has, want := strings.Contains(canonical(t, o), c.adds), c.only == "" || o.Name() == c.only; has != want {
			t.Errorf("%s must have %s: %t, got %s", o.ID(), c.adds, want, canonical(t, o))
		}
	}
	if c.kind == "PodDisruptionBudget" {
		caches = 1
	}
	if len(found) != caches {
		t.Errorf("want %d objects of kind %s, got %d", caches, c.kind, len(found))
	}
}

// TestComponentsTwice: a Component in two layers does what it does in one.
func TestComponentsTwice(t *testing.T) {
	for name, resources := range map[string][]string{
		"bases": nil, "generated": {generated(t, "standalone")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachComponent(t, func(t *testing.T, path string, c component) {
				below := resources
				if below == nil {
					below = c.bases(t)
				}
				once := with(t, below, filepath.Base(path))
				twice := with(t, []string{once}, filepath.Base(path))
				if got := kustomize(t, twice); c.once {
					if got.code != 1 || !strings.Contains(got.stderr, "already registered id") {
						t.Errorf("kustomize must refuse the second, got %+v", got)
					}
					return
				}
				if diff := cmp.Diff(build(t, once), build(t, twice)); diff != "" {
					t.Errorf("the second layer must change nothing (-one +two):\n%s", diff)
				}
			})
		})
	}
}

// TestComponentsLeaveFeaturesAlone: the StatefulSet of a cache that has by its config what a Component adds stays as it is.
func TestComponentsLeaveFeaturesAlone(t *testing.T) {
	before := generated(t, "standalone")
	want := canonical(t, find(t, parse(t, build(t, before)), "StatefulSet", hasFeatures))
	for _, name := range []string{"tls", "high-availability", "proxy", "standalone", "credentials", "vertical-pod-autoscaler", "cert-manager"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := parse(t, build(t, with(t, []string{before}, name)))
			if diff := cmp.Diff(want, canonical(t, find(t, objects, "StatefulSet", hasFeatures))); diff != "" {
				t.Errorf("%s must stay as it is (-before +after):\n%s", hasFeatures, diff)
			}
		})
	}
}

// TestPlatformsLeaveTheirOwnAlone: a platform's Component changes nothing of what the function makes for that platform.
func TestPlatformsLeaveTheirOwnAlone(t *testing.T) {
	for _, platform := range []string{"standalone", "shoot"} {
		before := generated(t, platform)
		if diff := cmp.Diff(build(t, before), build(t, with(t, []string{before}, platform))); diff != "" {
			t.Errorf("the Component %s must change nothing (-before +after):\n%s", platform, diff)
		}
	}
}
