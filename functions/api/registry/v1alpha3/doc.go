// Package v1alpha3 is the hub version of the API group registry.extensions.gardener.cloud: v1alpha1 and v1alpha2
// convert to it, and everything after decoding works on it.
//
// It keeps the fields and defaults of the existing Gardener extension. Where an absent field and an empty one mean
// different things today ("http: {}", "garbageCollection: {}"), the field is a pointer, so that a warning can say so.
package v1alpha3
