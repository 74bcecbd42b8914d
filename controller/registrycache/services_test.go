package registrycache

import (
	"testing"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/names"
)

func service(name, upstream, address string, change ...func(*corev1.Service)) corev1.Service {
	s := corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: "kube-system",
			Labels:      map[string]string{"app": names.Object(upstream), "upstream-host": names.UpstreamLabel(upstream)},
			Annotations: map[string]string{"upstream": upstream},
		},
		Spec: corev1.ServiceSpec{ClusterIP: address},
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

// TestServicesOfOthersAreNotOurs: anybody may label a Service in kube-system.
func TestServicesOfOthersAreNotOurs(t *testing.T) {
	for name, c := range map[string]struct {
		service corev1.Service
		ours    bool
	}{
		"a cache's":            {service("registry-docker-io", "docker.io", "10.0.0.1"), true},
		"with a suffix":        {service("registry-hub", "docker.io", "10.0.0.1"), true},
		"with a port":          {service("registry-my-io-5000", "my.io:5000", "10.0.0.1"), true},
		"another name":         {service("hub", "docker.io", "10.0.0.1"), false},
		"only the label":       {corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "registry-x", Labels: map[string]string{"upstream-host": "x"}}}, false},
		"no annotation":        {service("registry-docker-io", "docker.io", "", func(s *corev1.Service) { s.Annotations = nil }), false},
		"another annotation":   {service("registry-docker-io", "docker.io", "", func(s *corev1.Service) { s.Annotations["upstream"] = "ghcr.io" }), false},
		"another app":          {service("registry-docker-io", "docker.io", "", func(s *corev1.Service) { s.Labels["app"] = "web" }), false},
		"not even an upstream": {service("registry-docker-io", "docker.io; rm -rf /", "10.0.0.1"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isOurs(&c.service); got != c.ours {
				t.Errorf("got %v, want %v", got, c.ours)
			}
		})
	}
}

func operationFor(status string, services []corev1.Service, caches ...v1alpha3.RegistryCache) *operation {
	o := &operation{
		log: logr.Discard(), ex: &extensionsv1alpha1.Extension{}, services: services,
		config: &v1alpha3.RegistryConfig{Caches: caches},
	}
	if status != "" {
		o.ex.Status.ProviderStatus = &runtime.RawExtension{Raw: []byte(status)}
	}
	o.config.Default(true)
	return o
}

// TestAddressesThatAreKnown: a live Service's, else the status's, so that a Service deleted by hand comes back unchanged.
func TestAddressesThatAreKnown(t *testing.T) {
	const status = `{"caches": [
		{"upstream": "docker.io", "endpoint": "https://10.0.0.1:5000"},
		{"upstream": "ghcr.io", "endpoint": "http://[fd00::7]:5000"},
		{"upstream": "gone.io", "endpoint": "http://10.0.0.9:5000"}]}`
	docker, ghcr := v1alpha3.RegistryCache{Upstream: "docker.io"}, v1alpha3.RegistryCache{Upstream: "ghcr.io"}
	suffix := "hub"
	renamed := v1alpha3.RegistryCache{Upstream: "docker.io", ServiceNameSuffix: &suffix}
	for name, c := range map[string]struct {
		o    *operation
		want map[string]string
	}{
		"nothing known": {operationFor("", nil, docker), map[string]string{}},
		"of live Services": {
			operationFor("", []corev1.Service{service("registry-docker-io", "docker.io", "10.0.0.2")}, docker, ghcr),
			map[string]string{"docker.io": "10.0.0.2"},
		},
		"of the status": {operationFor(status, nil, docker, ghcr), map[string]string{"docker.io": "10.0.0.1", "ghcr.io": "fd00::7"}},
		"the live one wins": {
			operationFor(status, []corev1.Service{service("registry-docker-io", "docker.io", "10.0.0.2")}, docker),
			map[string]string{"docker.io": "10.0.0.2"},
		},
		"not while the Service of the old name has it": {
			operationFor(status, []corev1.Service{service("registry-docker-io", "docker.io", "10.0.0.1")}, renamed),
			map[string]string{},
		},
		"not one address twice": {
			operationFor(status, []corev1.Service{service("registry-ghcr-io", "ghcr.io", "10.0.0.1")}, docker, ghcr),
			map[string]string{"ghcr.io": "10.0.0.1"},
		},
		"no address yet":       {operationFor("", []corev1.Service{service("registry-docker-io", "docker.io", "")}, docker), map[string]string{}},
		"a headless Service":   {operationFor("", []corev1.Service{service("registry-docker-io", "docker.io", "None")}, docker), map[string]string{}},
		"an unreadable status": {operationFor(`{"caches": 3}`, nil, docker), map[string]string{}},
		"an odd endpoint":      {operationFor(`{"caches": [{"upstream": "docker.io", "endpoint": "%"}]}`, nil, docker), map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.o.knownAddresses()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestStatusKeepsTheOrder of the config, and puts IPv6 addresses into brackets.
func TestStatusKeepsTheOrder(t *testing.T) {
	off := false
	o := operationFor("", nil,
		v1alpha3.RegistryCache{Upstream: "quay.io"},
		v1alpha3.RegistryCache{Upstream: "docker.io", HTTP: &v1alpha3.HTTP{TLS: &off}})
	o.addresses = map[string]string{"docker.io": "10.0.0.1", "quay.io": "fd00::7"}
	bundle := "ca-extension-registry-cache-bundle-1a2b3c4d"
	o.caBundle = &bundle
	want := []v1alpha3.RegistryCacheStatus{
		{Upstream: "quay.io", Endpoint: "https://[fd00::7]:5000", RemoteURL: "https://quay.io"},
		{Upstream: "docker.io", Endpoint: "http://10.0.0.1:5000", RemoteURL: "https://registry-1.docker.io"},
	}
	got := o.newStatus()
	if diff := cmp.Diff(want, got.Caches); diff != "" || got.CASecretName != &bundle {
		t.Errorf("%s%v", diff, got.CASecretName)
	}
}

// TestMentions: an address that nobody refused must stay, or all nodes would have to learn another one.
func TestMentions(t *testing.T) {
	const failure = `error during apply of object "v1/Service/kube-system/registry-a-b": Service "registry-a-b" is invalid: ` +
		`spec.clusterIPs: Invalid value: ["10.0.0.10"]: failed to allocate IP 10.0.0.10: provided IP is already allocated, fd00::10: no. fd00::77.`
	for word, want := range map[string]bool{
		"10.0.0.10": true, "10.0.0.1": false, "0.0.0.10": false, "10.0.0.100": false, "fd00::10": true, "fd00::1": false, "d00::10": false,
		"fd00::77": true, "registry-a-b": true, "registry-a": false, "a-b": false,
	} {
		if got := mentions(failure, word); got != want {
			t.Errorf("%s: got %v, want %v", word, got, want)
		}
	}
}
