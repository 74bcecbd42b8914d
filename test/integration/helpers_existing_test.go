//go:build integration

package integration

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"time"

	extensionscontroller "github.com/gardener/gardener/extensions/pkg/controller"
	extensionssecretsmanager "github.com/gardener/gardener/extensions/pkg/util/secret/manager"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/gardener/gardener/pkg/client/kubernetes"
	"github.com/gardener/gardener/pkg/resourcemanager/controller/garbagecollector/references"
	kubernetesutils "github.com/gardener/gardener/pkg/utils/kubernetes"
	"github.com/gardener/gardener/pkg/utils/managedresources"
	secretsutils "github.com/gardener/gardener/pkg/utils/secrets"
	secretsmanager "github.com/gardener/gardener/pkg/utils/secrets/manager"
	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/test/cluster"
)

// existingCache is a cache that the existing extension has deployed, by what is known of it: nothing here is our code's.
type existingCache struct {
	upstream, remoteURL string
	// name is that of its objects, service that of its Service.
	name, service    string
	label            string
	tls, highlyAvail bool
}

func (c *existingCache) scheme() string {
	if c.tls {
		return "https"
	}
	return "http"
}

// read reads an object of testdata/takeover, with the cache's values for its ${variables}.
func (e *env) read(file string, into client.Object, c *existingCache, more map[string]string) {
	e.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "takeover", file))
	e.must(err)
	e.must(yaml.UnmarshalStrict([]byte(expand(string(text), c, more)), into))
}

func expand(text string, c *existingCache, more map[string]string) string {
	return os.Expand(text, func(name string) string {
		values := map[string]string{
			"upstream": c.upstream, "remoteURL": c.remoteURL, "name": c.name, "service": c.service, "label": c.label, "scheme": c.scheme(),
		}
		if value, ok := values[name]; ok {
			return value
		}
		return more[name]
	})
}

// existingServices deploys the Services of the existing extension, and returns their addresses by upstream.
func (e *env) existingServices(s *cluster.Shoot, caches []existingCache) map[string]string {
	e.t.Helper()
	var objects []client.Object
	for i := range caches {
		service := &corev1.Service{}
		e.read("service.yaml", service, &caches[i], nil)
		objects = append(objects, service)
	}
	e.existingResource(s, "extension-registry-cache-services", false, objects)
	addresses := map[string]string{}
	for i := range caches {
		service := &corev1.Service{}
		key := client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: caches[i].service}
		e.eventually(30*time.Second, func() error { return e.Client().Get(e.ctx, key, service) })
		addresses[caches[i].upstream] = service.Spec.ClusterIP
	}
	return addresses
}

// existingResource deploys a ManagedResource as the existing extension does.
func (e *env) existingResource(s *cluster.Shoot, name string, deleteClaims bool, objects []client.Object) {
	e.t.Helper()
	registry := managedresources.NewRegistry(kubernetes.ShootScheme, kubernetes.ShootCodec, kubernetes.ShootSerializer)
	data, err := registry.AddAllAndSerialize(objects...)
	e.must(err)
	secretName, secret := managedresources.NewSecret(e.Client(), s.Namespace, name, data, true)
	e.must(secret.Reconcile(e.ctx))
	resource := managedresources.NewForShoot(e.Client(), s.Namespace, name, "registry-cache", false).WithSecretRef(secretName)
	if deleteClaims {
		resource.DeletePersistentVolumeClaims(true)
	}
	e.must(resource.Reconcile(e.ctx))
}

// existingCaches deploys the caches of the existing extension, for a Shoot that wants vertical pod autoscaling.
func (e *env) existingCaches(s *cluster.Shoot, caches []existingCache, keyPairs map[string]*corev1.Secret) {
	e.t.Helper()
	policy := &unstructured.Unstructured{}
	e.read("networkpolicy.yaml", policy, &existingCache{}, nil)
	objects := []client.Object{policy}
	for i := range caches {
		objects = append(objects, e.existingCache(&caches[i], keyPairs[caches[i].upstream])...)
	}
	e.existingResource(s, "extension-registry-cache", true, objects)
}

func (e *env) existingCache(c *existingCache, keyPair *corev1.Secret) []client.Object {
	e.t.Helper()
	configSecret := e.existingConfig(c)
	set, autoscaler := &appsv1.StatefulSet{}, &unstructured.Unstructured{}
	e.read("statefulset.yaml", set, c, map[string]string{"configSecret": configSecret.Name})
	e.read("verticalpodautoscaler.yaml", autoscaler, c, nil)
	objects := []client.Object{configSecret, set, autoscaler}
	if c.tls {
		served := c.secret(c.name+"-tls", map[string][]byte{"tls.crt": keyPair.Data["tls.crt"], "tls.key": keyPair.Data["tls.key"]})
		e.must(kubernetesutils.MakeUnique(served))
		mode := int32(0o640)
		pod := &set.Spec.Template.Spec
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "certs-volume", VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: served.Name, DefaultMode: &mode},
		}})
		mount := corev1.VolumeMount{Name: "certs-volume", MountPath: "/etc/distribution/certs"}
		pod.Containers[0].VolumeMounts = append(pod.Containers[0].VolumeMounts, mount)
		objects = append(objects, served)
	}
	if c.highlyAvail {
		budget := &unstructured.Unstructured{}
		e.read("poddisruptionbudget.yaml", budget, c, nil)
		objects = append(objects, budget)
		set.Labels["high-availability-config.resources.gardener.cloud/type"] = "server"
	}
	e.must(references.InjectAnnotations(set))
	return objects
}

// existingConfig is the Secret with config.yml.
func (e *env) existingConfig(c *existingCache) *corev1.Secret {
	e.t.Helper()
	text, err := os.ReadFile("testdata/takeover/config.yaml")
	e.must(err)
	lines := ""
	if c.tls {
		lines = "\n  tls:\n    certificate: /etc/distribution/certs/tls.crt\n    key: /etc/distribution/certs/tls.key"
	}
	secret := c.secret(c.name+"-config", map[string][]byte{"config.yml": []byte(expand(string(text), c, map[string]string{"tls": lines}))})
	e.must(kubernetesutils.MakeUnique(secret))
	return secret
}

func (c *existingCache) secret(name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: metav1.NamespaceSystem, Name: name, Labels: map[string]string{"app": c.name, "upstream-host": c.label},
		},
		Type: corev1.SecretTypeOpaque, Data: data,
	}
}

// existingKeyPairs makes the authority and the key pairs of the existing extension, and returns these by upstream, and the name
// of the bundle.
func (e *env) existingKeyPairs(s *cluster.Shoot, caches []existingCache, addresses map[string]string) (map[string]*corev1.Secret, string) {
	e.t.Helper()
	twoYears, ninetyDays := 730*24*time.Hour, 90*24*time.Hour
	configs := []extensionssecretsmanager.SecretConfigWithOptions{{
		Config:  &secretsutils.CertificateSecretConfig{Name: authority, CommonName: authority, CertType: secretsutils.CACert, Validity: &twoYears},
		Options: []secretsmanager.GenerateOption{secretsmanager.Persist()},
	}}
	for i := range caches {
		if c := &caches[i]; c.tls {
			configs = append(configs, extensionssecretsmanager.SecretConfigWithOptions{
				Config: &secretsutils.CertificateSecretConfig{
					Name: c.name + "-tls", CommonName: c.name + "-tls", CertType: secretsutils.ServerCert, Validity: &ninetyDays,
					DNSNames: []string{
						c.service, c.service + ".kube-system", c.service + ".kube-system.svc", c.service + ".kube-system.svc.cluster.local",
					},
					IPAddresses: []net.IP{net.ParseIP(addresses[c.upstream])},
				},
				Options: []secretsmanager.GenerateOption{secretsmanager.SignedByCA(authority, secretsmanager.UseOldCA)},
			})
		}
	}
	landscape, err := extensionscontroller.GetCluster(e.ctx, e.Client(), s.Namespace)
	e.must(err)
	manager, err := extensionssecretsmanager.SecretsManagerForCluster(
		e.ctx, logr.Discard(), clock.RealClock{}, e.Client(), landscape, secretsIdentity, configs)
	e.must(err)
	made, err := extensionssecretsmanager.GenerateAllSecrets(e.ctx, manager, configs)
	e.must(err)
	pairs := map[string]*corev1.Secret{}
	for i := range caches {
		pairs[caches[i].upstream] = made[caches[i].name+"-tls"]
	}
	bundle, found := manager.Get(authority)
	if !found {
		e.t.Fatal("the existing extension's secrets manager has no bundle")
	}
	return pairs, bundle.Name
}

// existingExtension makes the Extension as the existing extension leaves it: with its finalizer and its status.
func (e *env) existingExtension(s *cluster.Shoot, config []byte, caches []existingCache, addresses map[string]string, bundle string) {
	e.t.Helper()
	extension := &extensionsv1alpha1.Extension{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.Namespace, Name: cacheExtension, Finalizers: []string{"extensions.gardener.cloud/registry-cache"},
	}}
	extension.Spec.Type = cacheExtension
	extension.Spec.ProviderConfig = &runtime.RawExtension{Raw: config}
	e.must(e.Client().Create(e.ctx, extension))

	status := v1alpha3.RegistryStatus{CASecretName: &bundle}
	status.APIVersion, status.Kind = "registry.extensions.gardener.cloud/v1alpha3", "RegistryStatus"
	for i := range caches {
		c := &caches[i]
		status.Caches = append(status.Caches, v1alpha3.RegistryCacheStatus{
			Upstream: c.upstream, Endpoint: c.scheme() + "://" + addresses[c.upstream] + ":5000", RemoteURL: c.remoteURL,
		})
	}
	raw, err := json.Marshal(status)
	e.must(err)
	patch := client.MergeFrom(extension.DeepCopy())
	extension.Status.ProviderStatus = &runtime.RawExtension{Raw: raw}
	extension.Status.ObservedGeneration = extension.Generation
	extension.Status.LastOperation = &gardencorev1beta1.LastOperation{
		Type: gardencorev1beta1.LastOperationTypeReconcile, State: gardencorev1beta1.LastOperationStateSucceeded, Progress: 100,
		Description: "Successfully reconciled Extension", LastUpdateTime: metav1.Now(),
	}
	e.must(e.Client().Status().Patch(e.ctx, extension, patch))
}
