package registrycache

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	extensionscontroller "github.com/gardener/gardener/extensions/pkg/controller"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/go-logr/logr"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func shootCluster(resources ...gardencorev1beta1.NamedResourceReference) *extensionscontroller.Cluster {
	return &extensionscontroller.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: "shoot--test--one"},
		Shoot:      &gardencorev1beta1.Shoot{Spec: gardencorev1beta1.ShootSpec{Resources: resources}},
	}
}

// TestNoInputSecretReachesAManagedResource: the resource-manager would copy it into the shoot, where its owner reads it.
func TestNoInputSecretReachesAManagedResource(t *testing.T) {
	const config = `{"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "kind": "RegistryConfig",
		"caches": [{"upstream": "docker.io", "secretReferenceName": "hub", "http": {"tls": false}}]}`
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
	for _, step := range []func(context.Context) error{o.readConfig, o.readCredentials, o.check, o.renderServices, o.deployCaches} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	services, caches := deployed(t, seed, managedResourceServices), deployed(t, seed, managedResourceCaches)
	for _, text := range []string{services, caches} {
		for _, forbidden := range []string{"hub-credentials", `"name":"hub"`, `"mark"`, "pa55w0rd"} {
			if strings.Contains(text, forbidden) {
				t.Errorf("%q reaches the shoot", forbidden)
			}
		}
	}
	if strings.Count(services, `"kind":"Service"`) != 1 || strings.Contains(services, `"kind":"StatefulSet"`) || strings.Contains(caches, `"kind":"Service"`) {
		t.Error("the Services, and only they, must be in their own ManagedResource")
	}
	// The registry reads its credentials from config.yml, which is generated: that is the one place where they are.
	if want := base64.StdEncoding.EncodeToString([]byte("pa55w0rd")); !strings.Contains(caches, `"config.yml"`) || strings.Contains(caches, want) {
		t.Error("the credentials must be in config.yml only")
	}
}

// deployed returns the text that the resource-manager reads.
func deployed(t *testing.T, seed client.Client, name string) string {
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
	return decompress(t, secret.Data["data.yaml.br"])
}
