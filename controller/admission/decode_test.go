package admission_test

import "testing"

func TestProviderConfigIsDecodedStrictly(t *testing.T) {
	const at = "failed to decode providerConfig: spec.extensions[0].providerConfig"
	validateAll(t, cacheValidator, map[string]request{
		"not an object": {
			new:  shoot(extension("registry-cache", "[]")),
			want: []string{at + `: Invalid value: "list": must be an object`},
		},
		"another kind": {
			new:  shoot(extension("registry-cache", "{apiVersion: registry.extensions.gardener.cloud/v1alpha3, kind: RegistryStatus}")),
			want: []string{at + `.kind: Unsupported value: "RegistryStatus": supported values: "RegistryConfig"`},
		},
		"another version": {
			new: shoot(extension("registry-cache", "{apiVersion: registry.extensions.gardener.cloud/v1, kind: RegistryConfig}")),
			want: []string{at + `.apiVersion: Unsupported value: "registry.extensions.gardener.cloud/v1": supported values: ` +
				`"registry.extensions.gardener.cloud/v1alpha1", "registry.extensions.gardener.cloud/v1alpha2", "registry.extensions.gardener.cloud/v1alpha3"`},
		},
		"all faults at once, without their consequences": {
			new: shoot(caches("caches: [{upstream: 7, volumes: {}}, {upstream: 'https://quay.io'}]")),
			want: []string{
				at + `.caches[0].upstream: Invalid value: 7: must be a string, written in quotes; ` +
					`spec.extensions[0].providerConfig.caches[0].volumes: Forbidden: unknown field, must be one of "upstream", "remoteURL", "volume", ` +
					`"garbageCollection", "secretReferenceName", "proxy", "http", "highAvailability", "serviceNameSuffix"`,
				`spec.extensions[0].providerConfig.caches[1].upstream: Invalid value: "https://quay.io": a lowercase RFC 1123 subdomain must consist of ` +
					`lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', ` +
					`regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
			},
		},
		"mended": {
			old: shoot(caches("caches: [{upstream: docker.io, size: 20Gi}]")),
			new: shoot(caches("caches: [{upstream: docker.io, volume: {size: 20Gi}}]")),
		},
		"broken": {
			old:  shoot(caches("caches: [{upstream: docker.io, volume: {size: 20Gi}}]")),
			new:  shoot(caches("caches: [{upstream: docker.io, volume: {size: much}}]")),
			want: []string{at + `.caches[0].volume.size: Invalid value: "much": must be a quantity such as 10Gi`},
		},
	})
	validateAll(t, mirrorValidator, map[string]request{
		"mirrors, not an object": {
			new:  shoot(extension("registry-mirror", "text")),
			want: []string{at + `: Invalid value: "text": must be an object`},
		},
		"mirrors, another kind": {
			new:  shoot(extension("registry-mirror", "{apiVersion: mirror.extensions.gardener.cloud/v1alpha1, kind: RegistryConfig}")),
			want: []string{at + `.kind: Unsupported value: "RegistryConfig": supported values: "MirrorConfig"`},
		},
		"mirrors, another version": {
			new:  shoot(extension("registry-mirror", "{apiVersion: mirror.extensions.gardener.cloud/v1, kind: MirrorConfig}")),
			want: []string{at + `.apiVersion: Unsupported value: "mirror.extensions.gardener.cloud/v1": supported values: "mirror.extensions.gardener.cloud/v1alpha1"`},
		},
		"mirrors, all faults at once": {
			new: shoot(mirrors("mirrors: [{upstream: docker.io, hosts: [{host: 'ftp://m', capability: [pull]}]}]")),
			want: []string{
				at + `.mirrors[0].hosts[0].capability: Forbidden: unknown field, must be one of "host", "capabilities", "caBundleSecretReferenceName", "overridePath"`,
				`spec.extensions[0].providerConfig.mirrors[0].hosts[0].host: Invalid value: "ftp://m": url must start with 'http://' or 'https://' scheme`,
			},
		},
	})
}
