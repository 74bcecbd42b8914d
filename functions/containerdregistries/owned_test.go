package containerdregistries_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/functions/containerdregistries"
)

// TestTwoConfigs: two configs for one OperatingSystemConfig leave each other alone, in any order and when one of them changes.
func TestTwoConfigs(t *testing.T) {
	one, two := desired(t, nodes+cache("a.io", "http://h:5000")+mirror("b.io", "https://m")), desired(t, mirrors+hostOf("c.io", "https://m"))
	both := apply(t, two, apply(t, one, osc(t, containerd)))
	for name, d := range map[string]*containerdregistries.Desired{"the first": one, "the second": two} {
		if operations := plan(t, d, both); len(operations) != 0 {
			t.Errorf("another run of %s must change nothing, got %v", name, operations)
		}
	}
	changed := apply(t, desired(t, nodes+mirror("b.io", "https://m")), both)
	if got := keys(t, changed); got != " |  | b.io c.io" {
		t.Errorf("only the guard must go, got %s", got)
	}
	changed = apply(t, desired(t, mirrors+hostOf("d.io", "https://m")), both)
	want := "/opt/bin/configure-containerd-registries.sh | configure-containerd-registries.service | b.io d.io"
	if got := keys(t, changed); got != want {
		t.Errorf("only c.io must be replaced, got %s", got)
	}
}

// TestEntryOfSomebodyElse: an entry that another hand made since for an upstream that was ours is not removed.
func TestEntryOfSomebodyElse(t *testing.T) {
	used := apply(t, desired(t, mirrors+hostOf("a.io", "https://m")+hostOf("b.io", "https://m")), osc(t, containerd))
	edited := strings.Replace(string(used), `"upstream":"a.io"`, `"upstream":"a.io","readinessProbe":true`, 1)
	if got := keys(t, apply(t, desired(t, mirrors+hostOf("c.io", "https://m")), []byte(edited))); got != " |  | a.io c.io" {
		t.Errorf("b.io must go and a.io stay, got %s", got)
	}
}

// TestConflicts: what two configs cannot both have is refused, with both names, and with all faults at once.
func TestConflicts(t *testing.T) {
	guarded := apply(t, desired(t, nodes+cache("a.io", "http://h:5000")), osc(t, containerd))
	unnoted := desired(t, nodes+cache("a.io", "http://h:5000"))
	unnoted.Owner = ""
	mirrored := apply(t, desired(t, mirrors+hostOf("a.io", "https://m")), osc(t, containerd))
	other := strings.Replace(nodes, "name: nodes", "name: other", 1)
	for name, test := range map[string]struct {
		osc    []byte
		config string
		want   []string
	}{
		"mirror of a cache": {guarded, mirrors + hostOf("a.io", "https://m"), []string{
			"spec.criConfig.containerd.registries[a.io]: must not have both a mirror, of this config, and a cache, in the arguments of unit configure-containerd-registries.service",
		}},
		"mirror of a cache of the webhook": {apply(t, unnoted, osc(t, containerd)), mirrors + hostOf("a.io", "https://m"), []string{
			"registries[a.io]: must not have both a mirror, of this config, and a cache",
		}},
		"cache of a mirror": {mirrored, nodes + cache("a.io", "http://h:5000"), []string{
			"registries[a.io]: must not have both a cache, of this config, and a mirror, of MirrorConfig/mirrors",
		}},
		"two mirrors": {mirrored, nodes + mirror("a.io", "https://m"), []string{
			"registries[a.io]: must not have mirrors of this config and of MirrorConfig/mirrors",
		}},
		"two guards": {guarded, other + cache("b.io", "http://h:5000"), []string{
			"spec.units[configure-containerd-registries.service]: must not be that of ContainerdRegistries/nodes",
		}},
		"no containerd": {osc(t, "  criConfig: {name: containerd}\n"), mirrors + hostOf("a.io", "https://m"), []string{
			`spec.criConfig.containerd: must be there, for the mirrors of "a.io" go into it`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := planFails(t, desired(t, test.config), test.osc)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
}

// TestCacheTakesOverAMirrorOfItsOwn: within one config a mirror may become a cache, and a cache a mirror.
func TestCacheTakesOverAMirrorOfItsOwn(t *testing.T) {
	asCache, asMirror := nodes+cache("a.io", "http://h:5000"), nodes+mirror("a.io", "https://m")
	before := osc(t, containerd)
	for _, order := range [][]string{{asCache, asMirror}, {asMirror, asCache}} {
		want := canonical(t, apply(t, desired(t, order[1]), before))
		got := canonical(t, apply(t, desired(t, order[1]), apply(t, desired(t, order[0]), before)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the result must not depend on what was there (-want +got):\n%s", diff)
		}
	}
}

// TestSharedBundle: two configs whose upstreams have one folder may share a CA bundle there, which stays until both are done
// with it, and may not have two.
func TestSharedBundle(t *testing.T) {
	one, two := bundle(t, "one"), bundle(t, "two")
	other := strings.Replace(mirrors, "name: mirrors", "name: other", 1)
	const file = "/etc/containerd/certs.d/r.io-5000/m-ca-bundle.pem"
	first := apply(t, desired(t, mirrors+withBundle("r.io:5000", "https://m", "one"), one), osc(t, containerd))
	both := apply(t, desired(t, other+withBundle("r.io-5000", "https://m", "one"), one), first)
	if got := keys(t, both); got != file+" |  | r.io:5000 r.io-5000" {
		t.Errorf("the file must be there once, got %s", got)
	}
	without := apply(t, desired(t, other+hostOf("a.io", "https://m")), both)
	if got := keys(t, without); got != file+" |  | r.io:5000 a.io" {
		t.Errorf("the file is still needed, got %s", got)
	}
	if got := keys(t, apply(t, desired(t, mirrors+hostOf("b.io", "https://m")), without)); got != " |  | a.io b.io" {
		t.Errorf("nobody needs the file any more, got %s", got)
	}
	got := planFails(t, desired(t, other+withBundle("r.io-5000", "https://m", "two"), two), first)
	if !strings.Contains(got, "spec.files["+file+"]: must not be that of MirrorConfig/mirrors with another content") {
		t.Errorf("got %s", got)
	}
}
