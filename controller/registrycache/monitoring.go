package registrycache

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	"github.com/gardener/gardener/pkg/utils"
	secretsmanager "github.com/gardener/gardener/pkg/utils/secrets/manager"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/monitoring"
)

// reconcileMonitoring gives the shoot's Prometheus and its dashboards what they need to watch the caches. Shoots for tests
// have neither.
func (o *operation) reconcileMonitoring(ctx context.Context) error {
	if purposeTesting(o.cluster.Shoot) {
		return o.deleteMonitoring(ctx)
	}
	bundle, err := o.clusterCABundle(ctx)
	if err != nil {
		return err
	}
	if bundle == "" {
		// Prometheus would send its token to whoever answers. The caches work without being watched.
		if o.isNews() {
			o.warn(reasonNotMonitored, "DeployMonitoring", "no CA bundle of the shoot's API server in the seed namespace %s: "+
				"the caches are not monitored until a reconciliation finds one", o.namespace)
		}
		return nil
	}
	return o.forMonitoring(bundle, func(object *unstructured.Unstructured) error { return o.apply(ctx, object) })
}

// clusterCABundle returns the name of the Secret with the authorities of the shoot's API server, through which Prometheus
// reaches the caches, "" if there is none. gardenlet gives it another name at every rotation.
func (o *operation) clusterCABundle(ctx context.Context) (string, error) {
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	err := o.client.List(ctx, &list, client.InNamespace(o.namespace), client.MatchingLabels{
		secretsmanager.LabelKeyManagedBy:       secretsmanager.LabelValueSecretsManager,
		secretsmanager.LabelKeyManagerIdentity: v1beta1constants.SecretManagerIdentityGardenlet,
		secretsmanager.LabelKeyBundleFor:       v1beta1constants.SecretNameCACluster,
	})
	if err != nil {
		return "", fmt.Errorf("listing the CA bundles of the shoot's API server: %w", err)
	}
	if len(list.Items) == 0 {
		return "", nil
	}
	newest := slices.MaxFunc(list.Items, func(a, b metav1.PartialObjectMetadata) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	return newest.Name, nil
}

// deleteMonitoring removes what reconcileMonitoring deploys, whatever is there of it.
func (o *operation) deleteMonitoring(ctx context.Context) error {
	const none = "any" // what is deleted does not refer to it any more
	return o.forMonitoring(none, func(object *unstructured.Unstructured) error {
		// A look costs less than a deletion of what is not there. Unstructured objects are read past the cache, which
		// would want to hold all of their kind in the seed.
		existing := &unstructured.Unstructured{}
		existing.SetGroupVersionKind(object.GroupVersionKind())
		if err := o.client.Get(ctx, client.ObjectKeyFromObject(object), existing); err != nil {
			return client.IgnoreNotFound(err)
		}
		return client.IgnoreNotFound(o.client.Delete(ctx, object))
	})
}

func (o *operation) forMonitoring(caBundle string, act func(*unstructured.Unstructured) error) error {
	objects, err := monitoring.Render(monitoring.Values{Namespace: o.namespace, CASecretName: caBundle})
	if err != nil {
		return err
	}
	for _, object := range objects {
		u, err := asUnstructured(object)
		if err != nil {
			return err
		}
		if err := act(u); err != nil {
			return fmt.Errorf("%s: %w", object.ID(), err)
		}
	}
	return nil
}

// asUnstructured gives numbers the types that an object read from the API server has, for a comparison.
func asUnstructured(object manifest.Object) (*unstructured.Unstructured, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", object.ID(), err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", object.ID(), err)
	}
	return u, nil
}

// apply creates an object of the seed, or makes an existing one like it; what others added to its metadata stays. An object
// that is right already is not written.
func (o *operation) apply(ctx context.Context, want *unstructured.Unstructured) error {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(want.GroupVersionKind())
	object.SetNamespace(want.GetNamespace())
	object.SetName(want.GetName())
	_, err := controllerutil.CreateOrUpdate(ctx, o.client, object, func() error {
		for key, value := range want.Object {
			if key != "metadata" {
				object.Object[key] = value
			}
		}
		object.SetLabels(utils.MergeStringMaps(object.GetLabels(), want.GetLabels()))
		object.SetAnnotations(utils.MergeStringMaps(object.GetAnnotations(), want.GetAnnotations()))
		return nil
	})
	return err
}
