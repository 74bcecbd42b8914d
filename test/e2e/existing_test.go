//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	extensionscontroller "github.com/gardener/gardener/extensions/pkg/controller"
	extensionssecretsmanager "github.com/gardener/gardener/extensions/pkg/util/secret/manager"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/gardener/gardener/pkg/resourcemanager/controller/garbagecollector/references"
	kubernetesutils "github.com/gardener/gardener/pkg/utils/kubernetes"
	"github.com/gardener/gardener/pkg/utils/managedresources"
	secretsutils "github.com/gardener/gardener/pkg/utils/secrets"
	secretsmanager "github.com/gardener/gardener/pkg/utils/secrets/manager"
	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/test/cluster"
)

// The test data of the existing extension: its objects in shoots, which the tests without nodes have too, and what only nodes
// see.
const (
	existingObjects = "../integration/testdata/takeover"
	existingFiles   = "testdata/takeover"
)

// What both extensions have on nodes: this one's guard takes the place of the script.
const (
	nodeBundle  = "/etc/containerd/certs.d/ca-bundle.pem"
	guardScript = "/opt/bin/configure-containerd-registries.sh"
)

// The names that the existing extension gives to what it makes in a seed.
const (
	existingIdentity  = "extension-registry-cache"
	existingAuthority = "ca-extension-registry-cache"
)

// existingCache is a cache of the existing extension, by what is known of it: nothing here is our code's.
type existingCache struct {
	upstream, remoteURL string
	// name is that of all its objects.
	name string
	tls  bool
	// address is its cluster IP, once there is a Service.
	address string
}

func (c *existingCache) endpoint() string { return c.scheme() + "://" + c.address + ":5000" }

func (c *existingCache) scheme() string {
	if c.tls {
		return "https"
	}
	return "http"
}

// existingExtension plays the existing extension for one Shoot.
type existingExtension struct {
	*env
	shoot  *cluster.Shoot
	caches []*existingCache
	// bundle has the certificates of its authorities.
	bundle *corev1.Secret
}

// reconcile does what the existing extension does when gardenlet asks it for a reconciliation.
func (x *existingExtension) reconcile() {
	x.t.Helper()
	x.deployServices()
	x.deployCaches(x.keyPairs())
	x.reportSuccess()
}

// text returns a file of the test data with a cache's values for its ${variables}.
func (x *existingExtension) text(folder, file string, c *existingCache, more map[string]string) string {
	x.t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, file))
	x.must(err)
	return os.Expand(string(content), func(name string) string {
		values := map[string]string{
			"upstream": c.upstream, "remoteURL": c.remoteURL, "name": c.name, "service": c.name, "label": c.upstream,
			"scheme": c.scheme(), "endpoint": c.endpoint(),
		}
		if value, ok := values[name]; ok {
			return value
		}
		return more[name]
	})
}

// deployResource deploys a ManagedResource of manifests.
func (x *existingExtension) deployResource(name string, deleteClaims bool, manifests map[string][]byte) {
	x.t.Helper()
	secretName, secret := managedresources.NewSecret(x.Client(), x.shoot.Namespace, name, manifests, true)
	x.must(secret.Reconcile(x.ctx))
	resource := managedresources.NewForShoot(x.Client(), x.shoot.Namespace, name, "registry-cache", false).WithSecretRef(secretName)
	if deleteClaims {
		resource.DeletePersistentVolumeClaims(true)
	}
	x.must(resource.Reconcile(x.ctx))
}

// deployServices deploys all Services and notes their addresses.
func (x *existingExtension) deployServices() {
	x.t.Helper()
	manifests := map[string][]byte{}
	for _, c := range x.caches {
		manifests["service__"+c.name+".yaml"] = []byte(x.text(existingObjects, "service.yaml", c, nil))
	}
	x.deployResource("extension-registry-cache-services", false, manifests)
	for _, c := range x.caches {
		service := &corev1.Service{}
		key := client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: c.name}
		x.eventually(time.Minute, "Service "+c.name, func() error { return x.Client().Get(x.ctx, key, service) })
		c.address = service.Spec.ClusterIP
	}
}

// deployCaches deploys all else that is in the shoot.
func (x *existingExtension) deployCaches(keyPairs map[string]*corev1.Secret) {
	x.t.Helper()
	manifests := map[string][]byte{"networkpolicy.yaml": []byte(x.text(existingObjects, "networkpolicy.yaml", &existingCache{}, nil))}
	for _, c := range x.caches {
		config := x.existingConfig(c)
		objects := map[string]any{"config": config}
		more := map[string]string{"configSecret": config.Name}
		if c.tls {
			served := x.existingSecret(c, c.name+"-tls", map[string][]byte{
				"tls.crt": keyPairs[c.name].Data["tls.crt"], "tls.key": keyPairs[c.name].Data["tls.key"],
			})
			objects["tls"], more["tlsSecret"] = served, served.Name
		}
		objects["statefulset"] = x.existingStatefulSet(c, more)
		for kind, object := range objects {
			text, err := json.Marshal(object)
			x.must(err)
			manifests[kind+"__"+c.name+".yaml"] = text
		}
		manifests["vpa__"+c.name+".yaml"] = []byte(x.text(existingObjects, "verticalpodautoscaler.yaml", c, nil))
	}
	x.deployResource("extension-registry-cache", true, manifests)
}

func (x *existingExtension) existingStatefulSet(c *existingCache, more map[string]string) *appsv1.StatefulSet {
	x.t.Helper()
	text, err := yaml.YAMLToJSON([]byte(x.text(existingObjects, "statefulset.yaml", c, more)))
	x.must(err)
	if c.tls {
		patch, err := yaml.YAMLToJSON([]byte(x.text(existingFiles, "statefulset-tls.yaml", c, more)))
		x.must(err)
		text, err = strategicpatch.StrategicMergePatch(text, patch, appsv1.StatefulSet{})
		x.must(err)
	}
	set := &appsv1.StatefulSet{}
	x.must(yaml.UnmarshalStrict(text, set))
	x.must(references.InjectAnnotations(set))
	return set
}

// existingConfig is the Secret with config.yml.
func (x *existingExtension) existingConfig(c *existingCache) *corev1.Secret {
	x.t.Helper()
	lines := ""
	if c.tls {
		lines = "\n  tls:\n    certificate: /etc/distribution/certs/tls.crt\n    key: /etc/distribution/certs/tls.key"
	}
	text := x.text(existingObjects, "config.yaml", c, map[string]string{"tls": lines})
	return x.existingSecret(c, c.name+"-config", map[string][]byte{"config.yml": []byte(text)})
}

// existingSecret is a Secret whose name ends in a hash of its content.
func (x *existingExtension) existingSecret(c *existingCache, name string, data map[string][]byte) *corev1.Secret {
	x.t.Helper()
	secret := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: metav1.NamespaceSystem, Name: name, Labels: map[string]string{"app": c.name, "upstream-host": c.upstream},
		},
		Type: corev1.SecretTypeOpaque, Data: data,
	}
	x.must(kubernetesutils.MakeUnique(secret))
	return secret
}

// keyPairs makes the authority and the certificates, or finds those that there are. It returns the latter by their caches' names.
func (x *existingExtension) keyPairs() map[string]*corev1.Secret {
	x.t.Helper()
	landscape, err := extensionscontroller.GetCluster(x.ctx, x.Client(), x.shoot.Namespace)
	x.must(err)
	configs := x.certificates()
	manager, err := extensionssecretsmanager.SecretsManagerForCluster(
		x.ctx, logr.Discard(), clock.RealClock{}, x.Client(), landscape, existingIdentity, configs)
	x.must(err)
	made, err := extensionssecretsmanager.GenerateAllSecrets(x.ctx, manager, configs)
	x.must(err)
	bundle, found := manager.Get(existingAuthority)
	if !found {
		x.t.Fatal("the existing extension's secrets manager has no bundle")
	}
	x.bundle = bundle
	pairs := map[string]*corev1.Secret{}
	for _, c := range x.caches {
		pairs[c.name] = made[c.name+"-tls"]
	}
	return pairs
}

func (x *existingExtension) certificates() []extensionssecretsmanager.SecretConfigWithOptions {
	twoYears, ninetyDays := 730*24*time.Hour, 90*24*time.Hour
	configs := []extensionssecretsmanager.SecretConfigWithOptions{{
		Config: &secretsutils.CertificateSecretConfig{
			Name: existingAuthority, CommonName: existingAuthority, CertType: secretsutils.CACert, Validity: &twoYears,
		},
		Options: []secretsmanager.GenerateOption{secretsmanager.Persist()},
	}}
	for _, c := range x.caches {
		if !c.tls {
			continue
		}
		host := c.name + ".kube-system"
		configs = append(configs, extensionssecretsmanager.SecretConfigWithOptions{
			Config: &secretsutils.CertificateSecretConfig{
				Name: c.name + "-tls", CommonName: c.name + "-tls", CertType: secretsutils.ServerCert, Validity: &ninetyDays,
				DNSNames:    []string{c.name, host, host + ".svc", host + ".svc.cluster.local"},
				IPAddresses: []net.IP{net.ParseIP(c.address)},
			},
			Options: []secretsmanager.GenerateOption{secretsmanager.SignedByCA(existingAuthority, secretsmanager.UseOldCA)},
		})
	}
	return configs
}

// reportSuccess takes gardenlet's request from the Extension and says where the caches are.
func (x *existingExtension) reportSuccess() {
	x.t.Helper()
	extension, err := x.shoot.Extension(x.ctx, cacheExtension)
	x.must(err)
	patch := client.MergeFrom(extension.DeepCopy())
	controllerutil.AddFinalizer(extension, "extensions.gardener.cloud/registry-cache")
	delete(extension.Annotations, v1beta1constants.GardenerOperation)
	x.must(x.Client().Patch(x.ctx, extension, patch))

	status := v1alpha3.RegistryStatus{CASecretName: &x.bundle.Name}
	status.APIVersion, status.Kind = "registry.extensions.gardener.cloud/v1alpha3", "RegistryStatus"
	for _, c := range x.caches {
		status.Caches = append(status.Caches, v1alpha3.RegistryCacheStatus{Upstream: c.upstream, Endpoint: c.endpoint(), RemoteURL: c.remoteURL})
	}
	raw, err := json.Marshal(status)
	x.must(err)
	patch = client.MergeFrom(extension.DeepCopy())
	extension.Status.ProviderStatus = &runtime.RawExtension{Raw: raw}
	extension.Status.ObservedGeneration = extension.Generation
	extension.Status.LastOperation = &gardencorev1beta1.LastOperation{
		Type: gardencorev1beta1.LastOperationTypeReconcile, State: gardencorev1beta1.LastOperationStateSucceeded, Progress: 100,
		Description: "Successfully reconciled Extension", LastUpdateTime: metav1.Now(),
	}
	x.must(x.Client().Status().Patch(x.ctx, extension, patch))
}

// addRegistries adds to an OperatingSystemConfig what the existing extension's webhook adds for caches: gardener-node-agent writes their
// hosts.toml once they answer.
func (x *existingExtension) addRegistries(config *extensionsv1alpha1.OperatingSystemConfigSpec, caches ...*existingCache) {
	for _, c := range caches {
		host := extensionsv1alpha1.RegistryHost{URL: c.endpoint(), Capabilities: []extensionsv1alpha1.RegistryCapability{
			extensionsv1alpha1.PullCapability, extensionsv1alpha1.ResolveCapability,
		}}
		if c.tls {
			host.CACerts = []string{nodeBundle}
			config.Files = append(config.Files, inlineFile(nodeBundle, 0o644, string(x.bundle.Data["bundle.crt"])))
		}
		config.CRIConfig.Containerd.Registries = append(config.CRIConfig.Containerd.Registries, extensionsv1alpha1.RegistryConfig{
			Upstream: c.upstream, Server: &c.remoteURL, Hosts: []extensionsv1alpha1.RegistryHost{host}, ReadinessProbe: new(true),
		})
	}
}

// addScript adds to an OperatingSystemConfig what older releases of the existing extension added for a cache: a unit whose script
// writes hosts.toml once the cache answers.
func (x *existingExtension) addScript(config *extensionsv1alpha1.OperatingSystemConfigSpec, c *existingCache) {
	x.t.Helper()
	script, err := os.ReadFile(filepath.Join(existingFiles, filepath.Base(guardScript)))
	x.must(err)
	config.Files = append(config.Files, inlineFile(guardScript, 0o744, string(script)))
	config.Units = append(config.Units, extensionsv1alpha1.Unit{
		Name: guardUnit, Command: new(extensionsv1alpha1.CommandStart), Enable: new(true),
		Content: new(x.text(existingFiles, guardUnit, c, nil)), FilePaths: []string{guardScript},
	})
}

func inlineFile(path string, mode uint32, content string) extensionsv1alpha1.File {
	return extensionsv1alpha1.File{Path: path, Permissions: &mode, Content: extensionsv1alpha1.FileContent{
		Inline: &extensionsv1alpha1.FileContentInline{Encoding: "b64", Data: base64.StdEncoding.EncodeToString([]byte(content))},
	}}
}

// hosts returns what gardener-node-agent, or the existing extension's own script, writes into hosts.toml for a cache.
func (x *existingExtension) hosts(c *existingCache, byScript bool) string {
	x.t.Helper()
	if byScript {
		return x.text(existingFiles, "hosts-script.toml", c, nil)
	}
	authorities := ""
	if c.tls {
		authorities = fmt.Sprintf("\n  ca = [%q]", nodeBundle)
	}
	return x.text(existingFiles, "hosts-node-agent.toml", c, map[string]string{"ca": authorities})
}
