package v1alpha3_test

import (
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestGarbageCollectionSwitch(t *testing.T) {
	on, off := true, false
	for want, enabled := range map[string]*bool{`{"ttl":"168h0m0s"}`: &on, `{"ttl":"0s"}`: &off, `{}`: nil} {
		if got := text(t, v1alpha3.GarbageCollectionSwitch(enabled)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
