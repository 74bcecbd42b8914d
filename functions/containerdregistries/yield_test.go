package containerdregistries_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMirrorYieldsToGuard: with YieldToGuard the cache has an upstream that has a mirror too, in whichever order the two come,
// and a mirror of another upstream is not touched by that.
func TestMirrorYieldsToGuard(t *testing.T) {
	caches := desired(t, nodes+cache("a.io", "http://h:5000"))
	both := desired(t, mirrors+hostOf("a.io", "https://mirror.example")+hostOf("b.io", "https://mirror.example"))
	caches.Owner, both.Owner, both.YieldToGuard = "", "", true
	empty := osc(t, containerd)
	cacheFirst := apply(t, both, apply(t, caches, empty))
	mirrorFirst := apply(t, caches, apply(t, both, empty))
	if diff := cmp.Diff(canonical(t, cacheFirst), canonical(t, mirrorFirst)); diff != "" {
		t.Errorf("the order of a cache and a mirror must not matter (-cache first +mirror first):\n%s", diff)
	}
	const want = "/opt/bin/configure-containerd-registries.sh | configure-containerd-registries.service | b.io"
	if got := keys(t, cacheFirst); got != want {
		t.Errorf("want %s, got %s", want, got)
	}
	if again := plan(t, both, cacheFirst); len(again) != 0 {
		t.Errorf("a second run must change nothing, got %v", again)
	}
}
