package containerdregistries_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSecondRun: a run on its own output has nothing to do.
func TestSecondRun(t *testing.T) {
	d := desired(t, realisticConfig)
	if operations := plan(t, d, apply(t, d, realistic(t))); len(operations) != 0 {
		t.Errorf("a second run must change nothing, got %v", operations)
	}
	d.Owner = ""
	if operations := plan(t, d, apply(t, d, realistic(t))); len(operations) != 0 {
		t.Errorf("a second run of a webhook must change nothing, got %v", operations)
	}
}

// TestNoLongerWanted: whatever an earlier run of the same config added goes, and what a config wants after another list is
// what it would have got without that.
func TestNoLongerWanted(t *testing.T) {
	before := osc(t, "  files: [{path: /etc/foreign}]\n"+containerd+"      registries: [{upstream: foreign.io}]\n")
	lists := map[string]string{
		"caches":      nodes + cache("a.io", "http://h:5000") + cache("b.io", "http://h:5001"),
		"mirrors":     nodes + mirror("a.io", "https://m") + mirror("c.io", "https://m"),
		"both":        nodes + cache("b.io", "http://h:5000") + mirror("d.io", "https://m"),
		"another one": nodes + mirror("d.io", "https://n"),
	}
	for from, earlier := range lists {
		for to, now := range lists {
			want := canonical(t, apply(t, desired(t, now), before))
			got := canonical(t, apply(t, desired(t, now), apply(t, desired(t, earlier), before)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("from %s to %s (-want +got):\n%s", from, to, diff)
			}
		}
	}
}

// TestReplacedInPlace: what changes stays where it is in its list.
func TestReplacedInPlace(t *testing.T) {
	first := apply(t, desired(t, nodes+cache("a.io", "http://h:5000")+mirror("b.io", "https://m")), osc(t, containerd))
	later := strings.Replace(string(first), `"files":[`, `"files":[{"path":"/early"},`, 1)
	later = strings.Replace(later, `"units":[`, `"units":[{"name":"early.service"},`, 1)
	later = strings.Replace(later, `"registries":[`, `"registries":[{"upstream":"early"},`, 1)
	later = strings.Replace(later, `}],"sandboxImage"`, `},{"upstream":"late"}],"sandboxImage"`, 1)
	want := keys(t, []byte(later))
	if !strings.Contains(want, "early b.io late") {
		t.Fatalf("this test must know the order of the keys, got %s in %s", want, later)
	}
	got := apply(t, desired(t, nodes+cache("a.io", "http://other:5000")+mirror("b.io", "https://other")), []byte(later))
	if keys(t, got) != want || !strings.Contains(string(got), "http://other:5000") || !strings.Contains(string(got), "https://other") {
		t.Errorf("want the places of %s, got %s: %s", want, keys(t, got), got)
	}
}

// TestGuardWithoutNote: a guard that nobody noted, as the webhook leaves it, is recognised by its names and goes when a
// ContainerdRegistries has no registries for it. A MirrorConfig does not touch it.
func TestGuardWithoutNote(t *testing.T) {
	d := desired(t, nodes+cache("a.io", "http://h:5000"))
	d.Owner = ""
	noted := apply(t, d, osc(t, "  files: [{path: /etc/foreign}]\n"+containerd))
	if got := keys(t, apply(t, desired(t, nodes+mirror("b.io", "https://m")), noted)); got != "/etc/foreign |  | b.io" {
		t.Errorf("the guard must go, got %s", got)
	}
	want := "/etc/foreign /opt/bin/configure-containerd-registries.sh | configure-containerd-registries.service | b.io"
	if got := keys(t, apply(t, desired(t, mirrors+hostOf("b.io", "https://m")), noted)); got != want {
		t.Errorf("the guard must stay, got %s", got)
	}
}

// TestDuplicates: of several entries with a key of ours the first is replaced and the others go, foreign ones stay.
func TestDuplicates(t *testing.T) {
	text := osc(t, "  files: [{path: /opt/bin/configure-containerd-registries.sh}, {path: /f}, {path: /opt/bin/configure-containerd-registries.sh, hostName: one}, {path: /f}]\n"+
		containerd+"      registries: [{upstream: a.io}, {upstream: b.io}, {upstream: a.io}, {upstream: c.io}, {upstream: d.io}, {upstream: d.io}]\n")
	got := keys(t, apply(t, desired(t, nodes+cache("d.io", "http://h:5000")+mirror("a.io", "https://m")), text))
	want := "/opt/bin/configure-containerd-registries.sh /f /f | configure-containerd-registries.service | a.io b.io c.io"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
