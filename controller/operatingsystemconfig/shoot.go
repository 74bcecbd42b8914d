package operatingsystemconfig

import (
	"context"
	"fmt"

	"github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/gardener/gardener/pkg/extensions"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// shoot is what the webhooks need to know of a Shoot.
type shoot struct {
	deleting, hibernated bool
	// resources are the objects of the garden that the Shoot refers to.
	resources []gardencorev1beta1.NamedResourceReference
}

// readShoot reads the Shoot from the Cluster of its namespace, and leaves the CloudProfile there, which is much larger. The
// Cluster may come from a cache: gardenlet writes it at the start of a reconciliation, minutes before the
// OperatingSystemConfigs.
func readShoot(ctx context.Context, cached client.Reader, namespace string) (*shoot, error) {
	cluster := &extensionsv1alpha1.Cluster{}
	if err := cached.Get(ctx, client.ObjectKey{Name: namespace}, cluster); err != nil {
		return nil, fmt.Errorf("reading the cluster %s: %w", namespace, err)
	}
	s, err := extensions.ShootFromCluster(cluster)
	if err != nil {
		return nil, fmt.Errorf("decoding the Shoot of the cluster %s: %w", namespace, err)
	}
	if s == nil {
		return nil, fmt.Errorf("the cluster %s must have a Shoot: wait until gardenlet has written its spec.shoot", namespace)
	}
	return &shoot{
		deleting:   s.DeletionTimestamp != nil,
		hibernated: helper.HibernationIsEnabled(s),
		resources:  s.Spec.Resources,
	}, nil
}
