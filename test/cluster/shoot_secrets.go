package cluster

import (
	"context"
	"fmt"
	"slices"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// PutSecret makes a Secret of the project a resource of the Shoot, under the reference name that a providerConfig uses, and
// copies it into the seed under the name ref-<name>, as gardenlet does: a copy that is immutable and differs is replaced.
func (s *Shoot) PutSecret(ctx context.Context, reference string, secret *corev1.Secret) error {
	copied := s.secretCopy(secret.Name)
	copied.Immutable, copied.Type, copied.Data, copied.StringData = secret.Immutable, secret.Type, secret.Data, secret.StringData
	if err := s.writeCopy(ctx, copied); err != nil {
		return fmt.Errorf("copying the Secret %s into the seed: %w", secret.Name, err)
	}
	return s.Update(ctx, func(shoot *gardencorev1beta1.Shoot) {
		dropResource(shoot, reference)
		shoot.Spec.Resources = append(shoot.Spec.Resources, gardencorev1beta1.NamedResourceReference{
			Name:        reference,
			ResourceRef: autoscalingv1.CrossVersionObjectReference{APIVersion: "v1", Kind: "Secret", Name: secret.Name},
		})
	})
}

// DropSecret takes a reference out of the Shoot's resources, and the copy of the Secret with this name out of the seed.
func (s *Shoot) DropSecret(ctx context.Context, reference, name string) error {
	if err := s.deleteCopy(ctx, s.secretCopy(name)); err != nil {
		return err
	}
	return s.Update(ctx, func(shoot *gardencorev1beta1.Shoot) { dropResource(shoot, reference) })
}

// secretCopy returns the copy in the seed of a Secret of the project, without its data.
func (s *Shoot) secretCopy(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.Namespace,
		Name:      v1beta1constants.ReferencedResourcesPrefix + name,
	}}
}

func (s *Shoot) writeCopy(ctx context.Context, secret *corev1.Secret) error {
	err := s.client.Create(ctx, secret.DeepCopy())
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	if err = s.client.Update(ctx, secret.DeepCopy()); !apierrors.IsInvalid(err) {
		return err
	}
	if err := s.deleteCopy(ctx, secret); err != nil {
		return err
	}
	return s.client.Create(ctx, secret)
}

func (s *Shoot) deleteCopy(ctx context.Context, secret *corev1.Secret) error {
	if err := s.client.Delete(ctx, secret.DeepCopy()); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting the Secret %s from the seed: %w", secret.Name, err)
	}
	return nil
}

func dropResource(shoot *gardencorev1beta1.Shoot, reference string) {
	shoot.Spec.Resources = slices.DeleteFunc(shoot.Spec.Resources, func(resource gardencorev1beta1.NamedResourceReference) bool {
		return resource.Name == reference
	})
}
