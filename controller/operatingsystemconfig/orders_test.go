package operatingsystemconfig_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/google/go-cmp/cmp"
)

// TestBothOrders: gardener's library registers the webhooks in any order, and the API server asks one after the other. Both
// orders give the same OperatingSystemConfig but for the order of its lists, also if one upstream has a cache and a mirror.
func TestBothOrders(t *testing.T) {
	for _, name := range []string{"cache-and-mirror", "cache-and-mirror-of-one-upstream"} {
		t.Run(name, func(t *testing.T) {
			s := load(t, name)
			var results []extensionsv1alpha1.OperatingSystemConfig
			for _, order := range [][]string{{cacheName, mirrorName}, {mirrorName, cacheName}} {
				osc := readOSC(t, name)
				for _, webhook := range order {
					osc = apply(t, s.ask(t, webhook, osc), osc)
				}
				results = append(results, sorted(t, osc))
				for _, webhook := range order {
					if again := s.ask(t, webhook, osc); !again.Allowed || again.Patch != nil {
						t.Errorf("%s must leave the output of both as it is, got %v and a patch of %d bytes", webhook, again.Result, len(again.Patch))
					}
				}
			}
			if diff := cmp.Diff(results[0], results[1]); diff != "" {
				t.Errorf("the order matters (-cache first +mirror first):\n%s", diff)
			}
		})
	}
}

// sorted decodes an OperatingSystemConfig, as gardener's controllers do, and sorts its lists.
func sorted(t *testing.T, text []byte) (osc extensionsv1alpha1.OperatingSystemConfig) {
	t.Helper()
	if err := json.Unmarshal(text, &osc); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(osc.Spec.Files, func(a, b extensionsv1alpha1.File) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(osc.Spec.Units, func(a, b extensionsv1alpha1.Unit) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(osc.Spec.CRIConfig.Containerd.Registries, func(a, b extensionsv1alpha1.RegistryConfig) int {
		return strings.Compare(a.Upstream, b.Upstream)
	})
	return osc
}
