package decode_test

import (
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"168h": 168 * time.Hour, "'1h30m'": 90 * time.Minute, "0s": 0, "'0'": 0, "-1h": -time.Hour, "1.5h": 90 * time.Minute,
	} {
		config := &v1alpha3.RegistryConfig{}
		expectFaults(t, decode.Strict([]byte("caches: [{garbageCollection: {ttl: "+text+"}}]"), config, nil))
		if got := config.Caches[0].GarbageCollection.TTL; got == nil || got.Duration != want {
			t.Errorf("%s: got %v, want %s", text, got, want)
		}
	}
}

func TestNoDurations(t *testing.T) {
	for text, shown := range map[string]string{
		"7d": `"7d"`, "168": "168", "0": "0", "''": `""`, "true": "true", "{}": `"object"`, "'168h '": `"168h "`,
	} {
		faults := decode.Strict([]byte("caches: [{garbageCollection: {ttl: "+text+"}}]"), &v1alpha3.RegistryConfig{}, nil)
		expectFaults(t, faults,
			"TypeInvalid caches[0].garbageCollection.ttl: Invalid value: "+shown+": must be a duration such as 168h")
	}
}
