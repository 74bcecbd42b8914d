package nodeconfigurator

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func TestName(t *testing.T) {
	for _, test := range []struct{ role, name, want string }{
		{"", "", "registry-cache-node-configurator"},
		{"", "caches", "registry-cache-node-configurator-caches"},
		{"mirrors", "", "registry-cache-node-configurator-mirrors"},
		{"mirrors", "hub", "registry-cache-node-configurator-mirrors-hub"},
		{"", "My.Caches", "registry-cache-node-configurator-my-caches-28393045"},
		{"", strings.Repeat("a", 30), "registry-cache-node-configurator-" + strings.Repeat("a", 30)},
		{"", strings.Repeat("a", 31), "registry-cache-node-configurator-" + strings.Repeat("a", 21) + "-623927ba"},
	} {
		if got := Name(test.role, test.name); got != test.want {
			t.Errorf("Name(%q, %q) is %q, want %q", test.role, test.name, got, test.want)
		}
	}
}

// FuzzName: whatever a config is called, the name is one that the API server and a label take, and another one for another
// config.
func FuzzName(f *testing.F) {
	for _, name := range []string{"", "caches", "-", "a.b", "A", "ü", strings.Repeat("a", 300)} {
		f.Add(name, name+"x")
	}
	f.Fuzz(func(t *testing.T, name, other string) {
		got := Name("", name)
		if problems := validation.IsDNS1123Label(got); len(problems) > 0 {
			t.Errorf("%q makes %q: %v", name, got, problems)
		}
		if name != other && got == Name("", other) {
			t.Errorf("%q and %q both make %q", name, other, got)
		}
	})
}
