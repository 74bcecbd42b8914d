//go:build integration

package integration

import (
	"testing"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	wrongConfig   = "Error reconciling Extension: checking the configuration: "
	wrongForShoot = "Error reconciling Extension: checking the configuration against what the shoot has: "
)

// TestProviderConfigWrong is what admission would have refused, and how the extension says so if it comes all the same: with
// the code that waits for the Shoot's owner, and all faults with the fields as that one wrote them. What is deployed stays.
func TestProviderConfigWrong(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("wrong")
	right := config(plain("docker.io"))
	e.reconcile(s, right)
	kept := e.expectCaches("docker-io")
	before := e.deployed(s)
	const fields = `"upstream", "remoteURL", "volume", "garbageCollection", "secretReferenceName", "proxy", "http", "highAvailability", "serviceNameSuffix"`
	const head = `{"apiVersion": "registry.extensions.gardener.cloud/`
	for name, c := range map[string]struct{ config, want string }{
		"not decodable": {
			head + `v1alpha3", "kind": "RegistryConfig", "caches": "docker.io"}`,
			wrongConfig + `providerConfig.caches: Invalid value: "docker.io": must be a list`,
		},
		"another version": {
			head + `v1", "kind": "RegistryConfig", "caches": [{"upstream": "docker.io"}]}`,
			`Error reconciling Extension: reading the configuration: providerConfig.apiVersion: Unsupported value: "registry.extensions.gardener.cloud/v1": ` +
				`supported values: "registry.extensions.gardener.cloud/v1alpha1", "registry.extensions.gardener.cloud/v1alpha2", "registry.extensions.gardener.cloud/v1alpha3"`,
		},
		"unknown fields": {
			head + `v1alpha3", "kind": "RegistryConfig", "caches": [{"upstream": "docker.io", "size": "1Gi", "Volume": {}}]}`,
			wrongConfig + `providerConfig.caches[0].Volume: Forbidden: unknown field, must be one of ` + fields + `; ` +
				`providerConfig.caches[0].size: Forbidden: unknown field, must be one of ` + fields,
		},
		"several faults": {
			string(config(plain("https://docker.io"), plain("quay.io"), plain("quay.io"))),
			wrongConfig + `providerConfig.caches[0].upstream: Invalid value: "https://docker.io": a lowercase RFC 1123 subdomain must consist of ` +
				`lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used ` +
				`for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'); ` +
				`providerConfig.caches[2].upstream: Duplicate value: "quay.io"`,
		},
		"a fault of v1alpha1": {
			head + `v1alpha1", "kind": "RegistryConfig", "caches": [{"upstream": "docker.io", "size": "-1Gi"}]}`,
			wrongConfig + `providerConfig.caches[0].size: Invalid value: "-1Gi": must be greater than 0`,
		},
		"another size": {
			string(config(`{"upstream": "docker.io", "volume": {"size": "2Gi"}, "http": {"tls": false}}`)),
			wrongForShoot + `spec.volumeClaimTemplates[cache-volume].spec.resources.requests.storage: field is immutable, the config for "docker.io" ` +
				`asks for 2Gi: set volume.size to 1Gi, or remove the cache and add it again, which loses what is cached`,
		},
		"another class": {
			string(config(`{"upstream": "docker.io", "volume": {"size": "1Gi", "storageClassName": "fast"}, "http": {"tls": false}}`)),
			wrongForShoot + `spec.volumeClaimTemplates[cache-volume].spec.storageClassName: field is immutable, the config for "docker.io" ` +
				`asks for "fast": leave volume.storageClassName out, or remove the cache and add it again, which loses what is cached`,
		},
	} {
		if got := e.failsWith(s, []byte(c.config), gardencorev1beta1.ErrorConfigurationProblem); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
	e.expectUnchanged(s, before)
	e.reconcile(s, right)
	e.expectUnchanged(s, before)
	e.expectKept(kept, "docker-io")
}

// TestStatefulSetFromBeforeV018 has a serviceName, which nobody can change: the user learns what to do, and nothing of what is
// there is touched.
func TestStatefulSetFromBeforeV018(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("old")
	e.reconcile(s, config(plain("docker.io")))
	e.expectCaches("docker-io")
	labels := map[string]string{"app": "registry-quay-io", "upstream-host": "quay.io"}
	old := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "registry-quay-io", Labels: labels},
		Spec: appsv1.StatefulSetSpec{
			ServiceName: "registry-quay-io",
			Selector:    &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "registry-cache", Image: "registry.example/registry:2"}}},
			},
		},
	}
	replicas := int32(0)
	old.Spec.Replicas = &replicas
	e.must(e.Client().Create(e.ctx, old))
	e.eventually(20e9, func() error {
		return e.shootObjects().has(append(objectsOf("docker-io"), "StatefulSet registry-quay-io")...)
	})
	before := e.deployed(s)

	both := config(plain("docker.io"), plain("quay.io"))
	want := wrongForShoot + `spec.serviceName: field is immutable and must be empty: this StatefulSet is from before v0.18 of ` +
		`gardener-extension-registry-cache; remove the cache for "quay.io" and add it again`
	if got := e.failsWith(s, both, gardencorev1beta1.ErrorConfigurationProblem); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	e.expectUnchanged(s, before)

	e.must(e.Client().Delete(e.ctx, old))
	e.reconcile(s, both)
	e.expectCaches("docker-io", "quay-io")
}
