package admission_test

import (
	"errors"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// An update of something else is let through, whatever is wrong with the configuration: nobody can be made to mend it
// there, and Gardener's own controllers update Shoots too.
func TestUnchangedConfigBlocksNothing(t *testing.T) {
	unread := unreadable(t)
	for name, config := range map[string]string{
		"valid":                    oneCache,
		"no caches":                "caches: []",
		"not decodable":            "caches: [{upstrean: docker.io}, null]",
		"colliding object names":   "caches: [{upstream: a.b.io}, {upstream: a-b.io}]",
		"several of Docker Hub":    "caches: [{upstream: docker.io}, {upstream: index.docker.io}]",
		"a reference to nothing":   "caches: [{upstream: docker.io, secretReferenceName: gone}]",
		"a Secret, broken by now":  "caches: [{upstream: docker.io, secretReferenceName: creds}]",
		"an endless size":          "caches: [{upstream: docker.io, volume: {size: 1e999999999}}]",
		"a warning on creation":    "caches: [{upstream: docker.io, http: {}}]",
		"also cached and mirrored": "caches: [{upstream: docker.io}]",
	} {
		t.Run(name, func(t *testing.T) {
			parts := []part{resource("creds", "Secret", "creds"), caches(config), mirrors(oneMirror)}
			r := request{old: shoot(parts...), new: shoot(append(parts, unrelated)...), reader: unread}
			r.validate(t, cacheValidator)
			r.validate(t, mirrorValidator)
		})
	}
	for name, config := range map[string]string{
		"no mirrors":             "mirrors: []",
		"not decodable":          "mirrors: [{upstream: docker.io, host: x}]",
		"a reference to nothing": "mirrors: [{upstream: docker.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: gone}]}]",
		"a Secret":               "mirrors: [{upstream: docker.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: creds}]}]",
	} {
		t.Run("mirrors, "+name, func(t *testing.T) {
			parts := []part{resource("creds", "Secret", "creds"), mirrors(config)}
			r := request{old: shoot(parts...), new: shoot(append(parts, unrelated)...), reader: unread}
			r.validate(t, mirrorValidator)
		})
	}
}

// What means the same is unchanged: another order of fields, a default written down, another API version.
func TestSameMeaningIsUnchanged(t *testing.T) {
	const broken = "secretReferenceName: gone"
	unread := unreadable(t)
	validateAll(t, cacheValidator, map[string]request{
		"another order": {
			old: shoot(extension("registry-cache", `{"caches": [{"upstream": 7}], "kind": "RegistryConfig"}`)),
			new: shoot(extension("registry-cache", `{"kind": "RegistryConfig", "caches": [{"upstream": 7}]}`)),
		},
		"a null, written another way": {
			old: shoot(extension("registry-cache", `{"caches": [null]}`)),
			new: shoot(extension("registry-cache", `{"caches":[null]}`)),
		},
		"defaults written down": {
			old: shoot(caches("caches: [{upstream: docker.io, " + broken + "}]")),
			new: shoot(caches("caches: [{upstream: docker.io, volume: {size: 10240Mi}, garbageCollection: {ttl: 168h}, http: {tls: true}, " + broken + "}]")),
		},
		"from v1alpha1 to v1alpha3": {
			old: shoot(old("v1alpha1", "caches: [{upstream: docker.io, size: 20Gi, garbageCollection: {enabled: false}, "+broken+"}]")),
			new: shoot(caches("caches: [{upstream: docker.io, volume: {size: 20Gi, storageClassName: default}, garbageCollection: {ttl: 0s}, http: {tls: false}, " + broken + "}]")),
		},
		"from v1alpha2 to v1alpha3": {
			old: shoot(old("v1alpha2", "caches: [{upstream: docker.io, volume: {storageClassName: fast}, "+broken+"}]")),
			new: shoot(caches("caches: [{upstream: docker.io, volume: {storageClassName: fast}, http: {tls: false}, " + broken + "}]")),
		},
		"from v1alpha1 with a change": {
			old: shoot(old("v1alpha1", "caches: [{upstream: docker.io, "+broken+"}]")),
			new: shoot(caches("caches: [{upstream: docker.io, " + broken + "}]")),
			want: []string{
				"spec.extensions[0].providerConfig.caches[0].volume.storageClassName: Invalid value: null: field is immutable",
				`spec.extensions[0].providerConfig.caches[0].secretReferenceName: Invalid value: "gone": failed to find referenced resource with name gone and kind Secret`,
			},
		},
	})
	validateAll(t, mirrorValidator, map[string]request{
		"mirrors, defaults written down": {
			old:    shoot(resource("ca", "Secret", "ca"), mirrors("mirrors: [{upstream: docker.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: ca}]}]")),
			new:    shoot(resource("ca", "Secret", "ca"), mirrors("mirrors: [{upstream: docker.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: ca, capabilities: [pull]}]}]")),
			reader: unread,
		},
	})
}

// unreadable is an API server that must not be asked.
func unreadable(t *testing.T) client.Reader {
	t.Helper()
	return fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{Get: get(func() error {
		t.Error("an unchanged Secret is read")
		return errors.New("must not be asked")
	})}).Build()
}
