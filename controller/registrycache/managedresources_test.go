package registrycache

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	extensionscontroller "github.com/gardener/gardener/extensions/pkg/controller"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

func shootCluster(resources ...gardencorev1beta1.NamedResourceReference) *extensionscontroller.Cluster {
	return &extensionscontroller.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: "shoot--test--one"},
		Shoot:      &gardencorev1beta1.Shoot{Spec: gardencorev1beta1.ShootSpec{Resources: resources}},
	}
}

// TestNoInputSecretReachesAManagedResource: the resource-manager would copy it into the shoot, where its owner reads it.
// What reaches the shoot of a key pair or of credentials is in a Secret that the pipeline generated, one for each purpose.
func TestNoInputSecretReachesAManagedResource(t *testing.T) {
	const config = `{"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "kind": "RegistryConfig",
		"caches": [{"upstream": "docker.io", "secretReferenceName": "hub", "http": {"tls": true}}]}`
	ctx, immutable := context.Background(), true
	seed := fake.NewClientBuilder().WithScheme(extensionscontroller.ExtensionsScheme).WithObjects(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shoot--test--one", Name: "ref-hub-credentials", Annotations: map[string]string{"mark": "input"}},
		Immutable:  &immutable, Data: map[string][]byte{"username": []byte("hugo"), "password": []byte("pa55w0rd")},
	}).Build()
	o := &operation{
		actuator: &actuator{client: seed}, log: logr.Discard(), namespace: "shoot--test--one",
		ex: &extensionsv1alpha1.Extension{Spec: extensionsv1alpha1.ExtensionSpec{
			DefaultSpec: extensionsv1alpha1.DefaultSpec{ProviderConfig: &runtime.RawExtension{Raw: []byte(config)}},
		}},
		cluster: shootCluster(gardencorev1beta1.NamedResourceReference{
			Name: "hub", ResourceRef: autoscalingv1.CrossVersionObjectReference{Kind: "Secret", Name: "hub-credentials", APIVersion: "v1"},
		}),
		addresses: map[string]string{"docker.io": "10.0.0.1"},
	}
	for _, step := range []func(context.Context) error{
		o.readConfig, o.readCredentials, o.check, o.renderServices, o.issueCertificates, o.deployCaches,
	} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if len(o.items) != 2 {
		t.Fatalf("the inputs must be the credentials and the key pair, or this test shows nothing: %d items", len(o.items))
	}
	secrets := map[string]int{}
	for _, object := range append(deployed(t, seed, managedResourceServices), deployed(t, seed, managedResourceCaches)...) {
		if object.Annotation("functions.registry.extensions.gardener.cloud/generated-by") == "" || object.Annotation("mark") != "" {
			t.Errorf("%s was not generated", object.ID())
		}
		if object.Kind() == "Secret" {
			for key := range manifest.Map(object, "data") {
				secrets[key]++
			}
		}
	}
	want := map[string]int{"config.yml": 1, "username": 1, "password": 1, "tls.crt": 1, "tls.key": 1}
	if diff := cmp.Diff(want, secrets); diff != "" {
		t.Errorf("the entries of all Secrets in the shoot: %s", diff)
	}
}

// deployed returns the objects that the resource-manager reads.
func deployed(t *testing.T, seed client.Client, name string) (objects []manifest.Object) {
	t.Helper()
	var resource resourcesv1alpha1.ManagedResource
	if err := seed.Get(context.Background(), client.ObjectKey{Namespace: "shoot--test--one", Name: name}, &resource); err != nil {
		t.Fatal(err)
	}
	if claims := resource.Spec.DeletePersistentVolumeClaims; (claims != nil && *claims) != (name == managedResourceCaches) {
		t.Errorf("%s: deletePersistentVolumeClaims is %v", name, claims)
	}
	var secret corev1.Secret
	if err := seed.Get(context.Background(), client.ObjectKey{Namespace: "shoot--test--one", Name: resource.Spec.SecretRefs[0].Name}, &secret); err != nil {
		t.Fatal(err)
	}
	for _, text := range strings.Split(strings.TrimPrefix(decompress(t, secret.Data["data.yaml.br"]), "---\n"), "---\n") {
		object := manifest.Object{}
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		if (object.Kind() == "Service") != (name == managedResourceServices) {
			t.Errorf("%s is in %s: the Services, and only they, have a ManagedResource of their own", object.ID(), name)
		}
		objects = append(objects, object)
	}
	return objects
}
