package admission_test

import "testing"

func old(version, config string) part {
	return extension("registry-cache", "apiVersion: registry.extensions.gardener.cloud/"+version+"\nkind: RegistryConfig\n"+config)
}

// The rules themselves are those of the functions and tested there; here it is that they are asked, with the right paths.
func TestCachesAreValidated(t *testing.T) {
	const at = "spec.extensions[1].providerConfig.caches"
	validateAll(t, cacheValidator, map[string]request{
		"every version": {new: shoot(old("v1alpha1", "caches: [{upstream: docker.io, size: 20Gi}]"))},
		"all faults at once": {
			new: shoot(extension("shoot-dns-service", ""), caches(`
caches:
- {upstream: docker.io, volume: {size: "0"}, garbageCollection: {ttl: -1h}}
- {upstream: docker.io, remoteURL: docker.io}
- {upstream: quay.io, serviceNameSuffix: docker-io}
`)),
			want: []string{
				at + `[0].volume.size: Invalid value: "0": must be greater than 0`,
				at + `[0].garbageCollection.ttl: Invalid value: "-1h0m0s": ttl must be a non-negative duration`,
				at + `[1].remoteURL: Invalid value: "docker.io": url must start with 'http://' or 'https://' scheme`,
				at + `[1].upstream: Duplicate value: "docker.io"`,
				at + `[2].serviceNameSuffix: Invalid value: "docker-io": cannot collide with "docker.io" upstream`,
			},
		},
		"in the user's version": {
			new:  shoot(extension("shoot-dns-service", ""), old("v1alpha1", "caches: [{upstream: docker.io, size: '0'}]")),
			want: []string{at + `[0].size: Invalid value: "0": must be greater than 0`},
		},
	})
}

func TestCacheUpdatesAreValidated(t *testing.T) {
	const at = "spec.extensions[0].providerConfig.caches"
	before := shoot(caches("caches: [{upstream: docker.io, volume: {size: 20Gi}, garbageCollection: {ttl: 0s}}]"))
	validateAll(t, distributionValidator, map[string]request{
		"immutable fields, and others at once": {
			old: before,
			new: shoot(caches("caches: [{upstream: quay.io, remoteURL: 'x://y'}, {upstream: docker.io, volume: {storageClassName: fast}}]")),
			want: []string{
				at + `[1].volume.size: Invalid value: "10Gi": field is immutable`,
				at + `[1].volume.storageClassName: Invalid value: "fast": field is immutable`,
				at + `[1].garbageCollection.ttl: Invalid value: "168h0m0s": garbage collection cannot be enabled (ttl > 0) once it is disabled (ttl = 0)`,
				at + `[0].remoteURL: Invalid value: "x://y": url must start with 'http://' or 'https://' scheme`,
			},
		},
		"in the user's version": {
			old:  before,
			new:  shoot(old("v1alpha2", "caches: [{upstream: docker.io, volume: {size: 20Gi}, garbageCollection: {enabled: true}}]")),
			want: []string{at + `[0].garbageCollection.enabled: Invalid value: "168h0m0s": garbage collection cannot be enabled (ttl > 0) once it is disabled (ttl = 0)`},
		},
		"what may change": {
			old: before,
			new: shoot(caches("caches: [{upstream: docker.io, volume: {size: 20480Mi}, garbageCollection: {ttl: 0s}, highAvailability: {enabled: true}}, {upstream: quay.io}]")),
		},
		"renamed, so removed and added": {old: before, new: shoot(caches("caches: [{upstream: quay.io}]"))},
		"added again after it was disabled": {
			old: shoot(caches("caches: [{upstream: docker.io, volume: {size: 20Gi}}]"), disabled),
			new: shoot(caches(oneCache)),
		},
	})
}

// TestGarbageCollectionEnabledLater: with our own program it may be, and the other rules for changes hold as ever.
func TestGarbageCollectionEnabledLater(t *testing.T) {
	before := shoot(caches("caches: [{upstream: docker.io, volume: {size: 20Gi}, garbageCollection: {ttl: 0s}}]"))
	validateAll(t, cacheValidator, map[string]request{
		"enabled":                     {old: before, new: shoot(caches("caches: [{upstream: docker.io, volume: {size: 20Gi}}]"))},
		"enabled in an older version": {old: before, new: shoot(old("v1alpha2", "caches: [{upstream: docker.io, volume: {size: 20Gi}, garbageCollection: {enabled: true}}]"))},
		"enabled and enlarged": {old: before, new: shoot(caches("caches: [{upstream: docker.io, volume: {size: 30Gi}}]")),
			want: []string{`spec.extensions[0].providerConfig.caches[0].volume.size: Invalid value: "30Gi": field is immutable`}},
	})
}

func TestMirrorsAreValidated(t *testing.T) {
	const at = "spec.extensions[0].providerConfig.mirrors"
	faulty := mirrors("mirrors: [{upstream: docker.io, hosts: []}, {upstream: docker.io, hosts: [{host: 'https://m', capabilities: [push]}]}]")
	want := []string{
		at + "[0].hosts: Required value: at least one host must be provided",
		at + `[1].hosts[0].capabilities[0]: Unsupported value: "push": supported values: "pull", "resolve"`,
		at + `[1].upstream: Duplicate value: "docker.io"`,
	}
	validateAll(t, mirrorValidator, map[string]request{
		"valid":   {new: shoot(mirrors(oneMirror))},
		"created": {new: shoot(faulty), want: want},
		"changed": {old: shoot(mirrors(oneMirror)), new: shoot(faulty), want: want},
	})
}
