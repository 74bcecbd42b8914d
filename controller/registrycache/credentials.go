package registrycache

import (
	"context"
	"fmt"

	v1beta1helper "github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// readCredentials adds the Secrets that the config refers to to the items, each under the name by which it refers to them.
// Those that are missing are kept for check, which reports them with all other faults; whether the rest is right is the
// pipeline's to say.
func (o *operation) readCredentials(ctx context.Context) error {
	var missing field.ErrorList
	read := map[string]bool{}
	for i := range o.config.Caches {
		reference := o.config.Caches[i].SecretReferenceName
		if reference == nil || *reference == "" || read[*reference] {
			continue
		}
		read[*reference] = true
		path := field.NewPath(providerConfig, "caches").Index(i).Child("secretReferenceName")
		secret, notFound, err := o.referencedSecret(ctx, *reference, path)
		if err != nil {
			return err
		}
		if notFound != nil {
			missing = append(missing, notFound)
			continue
		}
		o.items = append(o.items, secretItem(*reference, secret))
	}
	o.missing = fault.FromFields(fault.Secret, missing)
	return nil
}

// referencedSecret reads the copy that gardenlet made in the seed of a Secret in spec.resources of the Shoot.
func (o *operation) referencedSecret(ctx context.Context, reference string, path *field.Path) (*corev1.Secret, *field.Error, error) {
	resource := v1beta1helper.GetResourceByName(o.cluster.Shoot.Spec.Resources, reference)
	if resource == nil || resource.ResourceRef.Kind != "Secret" {
		return nil, field.Invalid(path, reference,
			fmt.Sprintf("failed to find referenced resource with name %s and kind Secret in spec.resources of the Shoot", reference)), nil
	}
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: o.namespace, Name: v1beta1constants.ReferencedResourcesPrefix + resource.ResourceRef.Name}
	if err := o.client.Get(ctx, key, secret); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, field.Invalid(path, reference, fmt.Sprintf("failed to read referenced secret %s: not found in the seed namespace %s: "+
				"the secret %q must exist in the Shoot's namespace in the garden", key.Name, o.namespace, resource.ResourceRef.Name)), nil
		}
		return nil, nil, fmt.Errorf("reading the Secret %s: %w", key, err)
	}
	return secret, nil, nil
}

// secretItem makes an item of a Secret, under the name that the pipeline looks for.
func secretItem(name string, secret *corev1.Secret) manifest.Object {
	immutable := secret.Immutable != nil && *secret.Immutable
	return input.SecretItem(input.Secret{Name: name, Immutable: immutable, Data: secret.Data})
}
