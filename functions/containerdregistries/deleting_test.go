package containerdregistries_test

import (
	"bytes"
	"testing"

	"github.com/registry-cache/registry-cache/functions/containerdregistries"
)

// TestViewSaysWhatIsBeingDeleted: a webhook leaves an OperatingSystemConfig alone that is on its way out.
func TestViewSaysWhatIsBeingDeleted(t *testing.T) {
	alive := osc(t, containerd)
	gone := bytes.Replace(alive, []byte(`"name":"pool"`), []byte(`"name":"pool","deletionTimestamp":"2026-01-01T00:00:00Z"`), 1)
	for want, text := range map[bool][]byte{false: alive, true: gone} {
		view, err := containerdregistries.ViewOf(text)
		if err != nil {
			t.Fatal(err)
		}
		if view.Deleting != want {
			t.Errorf("want %v of %s", want, text)
		}
	}
}
