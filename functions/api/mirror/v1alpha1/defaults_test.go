package v1alpha1

import (
	"slices"
	"testing"
)

func TestDefaultCapabilities(t *testing.T) {
	config := MirrorConfig{Mirrors: []MirrorConfiguration{{Hosts: []MirrorHost{
		{}, {Capabilities: []MirrorHostCapability{CapabilityResolve}},
	}}}}
	config.Default()
	hosts := config.Mirrors[0].Hosts
	if !slices.Equal(hosts[0].Capabilities, []MirrorHostCapability{CapabilityPull}) {
		t.Errorf("capabilities must default to pull, got %q", hosts[0].Capabilities)
	}
	if !slices.Equal(hosts[1].Capabilities, []MirrorHostCapability{CapabilityResolve}) {
		t.Errorf("given capabilities must stay, got %q", hosts[1].Capabilities)
	}
}
