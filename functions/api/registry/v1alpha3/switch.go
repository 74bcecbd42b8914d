package v1alpha3

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// GarbageCollectionSwitch converts the switch of v1alpha1 and v1alpha2: on is the default TTL, off a TTL of 0s, and an
// absent value leaves the TTL absent.
func GarbageCollectionSwitch(enabled *bool) *GarbageCollection {
	if enabled == nil {
		return &GarbageCollection{}
	}
	ttl := metav1.Duration{}
	if *enabled {
		ttl.Duration = DefaultTTL
	}
	return &GarbageCollection{TTL: &ttl}
}
