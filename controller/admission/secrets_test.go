package admission_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// canary stands where a password would; it must never be shown.
const canary = "Tr0ub4dor"

// get replaces the reading of any object.
func get(answer func() error) func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
	return func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return answer()
	}
}

func TestCredentialsAreValidated(t *testing.T) {
	const at = `spec.extensions[0].providerConfig.caches[0].secretReferenceName: Invalid value: "creds": `
	config := caches("caches: [{upstream: docker.io, secretReferenceName: creds}]")
	listed := resource("creds", "Secret", "docker")
	good := map[string]string{"username": "me", "password": canary}
	validateAll(t, cacheValidator, map[string]request{
		"good": {new: shoot(config, listed), reader: reader(secret("docker", true, good))},
		"not listed": {new: shoot(config, resource("creds", "ConfigMap", "docker"), resource("docker", "Secret", "docker")),
			reader: reader(secret("docker", true, good)), want: []string{at + "failed to find referenced resource with name creds and kind Secret"}},
		"missing": {new: shoot(config, listed), reader: reader(secret("creds", true, good)),
			want: []string{at + `the referenced secret "garden-dev/docker" does not exist`}},
		"all faults at once": {new: shoot(config, listed),
			reader: reader(secret("docker", false, map[string]string{"username": "m e", "password": " ", "token": canary})), want: []string{
				at + `the referenced secret "garden-dev/docker" should be immutable`,
				at + `the referenced secret "garden-dev/docker" should have only two data entries`,
				at + `the data entry "password" in the referenced secret "garden-dev/docker" is empty`,
				at + `the data entry "username" in the referenced secret "garden-dev/docker" contains whitespace`,
			}},
		"not text": {new: shoot(config, listed), reader: reader(secret("docker", true, map[string]string{"username": "me", "password": canary + "\xff"})),
			want: []string{at + `the data entry "password" of the referenced secret must be UTF-8 text`}},
		"a service account": {new: shoot(config, listed),
			reader: reader(secret("docker", true, map[string]string{"username": "_json_key", "password": `{"credential_source": "` + canary + `"}`})),
			want:   []string{at + `forbidden ServiceAccount field "credential_source" present in the password data entry in the referenced secret "garden-dev/docker"`}},
		"along with other faults": {
			new: shoot(caches("caches: [{upstream: docker.io, secretReferenceName: creds, remoteURL: docker.io, size: 1Gi}, {upstream: quay.io, secretReferenceName: ''}]")),
			want: []string{
				`failed to decode providerConfig: spec.extensions[0].providerConfig.caches[0].size: Forbidden: unknown field, must be one of ` +
					`"upstream", "remoteURL", "volume", "garbageCollection", "secretReferenceName", "proxy", "http", "highAvailability", "serviceNameSuffix"`,
				`spec.extensions[0].providerConfig.caches[0].remoteURL: Invalid value: "docker.io": url must start with 'http://' or 'https://' scheme`,
				`spec.extensions[0].providerConfig.caches[1].secretReferenceName: Invalid value: "": must not be empty; leave it out if the upstream needs no credentials`,
				at + "failed to find referenced resource with name creds and kind Secret",
			}},
		"changed elsewhere, broken by now": {
			old: shoot(config, listed), new: shoot(caches("caches: [{upstream: docker.io, secretReferenceName: creds, highAvailability: {enabled: true}}]"), listed),
			want: []string{at + `the referenced secret "garden-dev/docker" does not exist`}},
	})
}

// A rotated Secret has another name in spec.resources, while the config is as it was.
func TestRotatedSecretsAreValidated(t *testing.T) {
	config := caches("caches: [{upstream: docker.io, secretReferenceName: creds}, {upstream: quay.io, secretReferenceName: gone}]")
	before := shoot(config, resource("creds", "Secret", "docker-1"))
	const at = `spec.extensions[0].providerConfig.caches[0].secretReferenceName: Invalid value: "creds": `
	validateAll(t, cacheValidator, map[string]request{
		"to a good one": {old: before, new: shoot(config, resource("creds", "Secret", "docker-2")),
			reader: reader(secret("docker-2", true, map[string]string{"username": "me", "password": canary}))},
		"to a missing one":   {old: before, new: shoot(config, resource("creds", "Secret", "docker-2")), want: []string{at + `the referenced secret "garden-dev/docker-2" does not exist`}},
		"no longer listed":   {old: before, new: shoot(config), want: []string{at + "failed to find referenced resource with name creds and kind Secret"}},
		"something unlisted": {old: before, new: shoot(config, resource("creds", "Secret", "docker-1"), resource("dns", "Secret", "dns"))},
	})
	bundle := mirrors("mirrors: [{upstream: docker.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: ca}]}]")
	validateAll(t, mirrorValidator, map[string]request{
		"mirrors, to a malformed one": {
			old: shoot(bundle, resource("ca", "Secret", "ca-1")), new: shoot(bundle, resource("ca", "Secret", "ca-2")),
			reader: reader(secret("ca-2", true, map[string]string{"bundle.crt": canary})),
			want: []string{`spec.extensions[0].providerConfig.mirrors[0].hosts[0].caBundleSecretReferenceName: Invalid value: "ca": ` +
				"the CA bundle is not a valid PEM-encoded certificate"}},
	})
}

// Each Secret is read once, however often it is referred to.
func TestSecretsAreReadOnce(t *testing.T) {
	reads := 0
	var config strings.Builder
	config.WriteString("caches:\n")
	for i := range 20 {
		fmt.Fprintf(&config, "- {upstream: r%d.io, secretReferenceName: creds}\n", i)
	}
	counting := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
			reads++
			return c.Get(ctx, key, into, options...)
		},
	}).WithObjects(secret("docker", true, map[string]string{"username": "me", "password": canary})).Build()
	r := request{new: shoot(caches(config.String()), resource("creds", "Secret", "docker")), reader: counting}
	r.validate(t, cacheValidator)
	if reads != 1 {
		t.Errorf("the Secret was read %d times", reads)
	}
}

func TestUnreadableSecretIsNotCalledInvalid(t *testing.T) {
	down := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{Get: get(func() error { return errors.New("etcd is down") })}).Build()
	validateAll(t, cacheValidator, map[string]request{
		"credentials": {
			new: shoot(caches("caches: [{upstream: docker.io, secretReferenceName: creds}]"), resource("creds", "Secret", "docker")), reader: down,
			want: []string{`spec.extensions[0].providerConfig.caches[0].secretReferenceName: reading the referenced secret "garden-dev/docker": etcd is down`}},
	})
	validateAll(t, mirrorValidator, map[string]request{
		"CA bundle": {
			new: shoot(mirrors("mirrors: [{upstream: docker.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: ca}]}]"), resource("ca", "Secret", "m-ca")), reader: down,
			want: []string{`spec.extensions[0].providerConfig.mirrors[0].hosts[0].caBundleSecretReferenceName: reading the referenced secret "garden-dev/m-ca": etcd is down`}},
	})
}

func TestSecretsAreNeverShown(t *testing.T) {
	for name, s := range map[string]*corev1.Secret{
		"mutable":         secret("docker", false, map[string]string{"username": canary, "password": canary}),
		"not text":        secret("docker", true, map[string]string{"username": canary + "\xff \n", "password": canary}),
		"service account": secret("docker", true, map[string]string{"username": "_json_key", "password": `{"type": ["` + canary + `"]}`}),
		"bad JSON":        secret("docker", true, map[string]string{"username": "_json_key", "password": canary}),
		"bundle":          secret("docker", false, map[string]string{"bundle.crt": canary, "other": canary}),
	} {
		t.Run(name, func(t *testing.T) {
			cluster := reader(s)
			s := shoot(resource("creds", "Secret", s.Name), caches("caches: [{upstream: docker.io, secretReferenceName: creds}]"),
				mirrors("mirrors: [{upstream: quay.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: creds}]}]"))
			err := errors.Join(cacheValidator(cluster).Validate(t.Context(), s, nil), mirrorValidator(cluster).Validate(t.Context(), s, nil))
			if err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("the error shows a Secret, or there is none: %v", err)
			}
		})
	}
}
