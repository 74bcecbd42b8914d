package cluster

import (
	"context"
	"fmt"
	"time"

	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/gardener/gardener/pkg/controllerutils"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ApplyOSC writes an OperatingSystemConfig as gardenlet does for a worker pool, and returns it as webhooks have left it.
// Desired says what is in its spec; of an object that exists, all else is kept. Nobody makes files of it: there is no
// operating system extension.
func (s *Shoot) ApplyOSC(
	ctx context.Context, name string, purpose extensionsv1alpha1.OperatingSystemConfigPurpose, desired extensionsv1alpha1.OperatingSystemConfigSpec,
) (*extensionsv1alpha1.OperatingSystemConfig, error) {
	config := &extensionsv1alpha1.OperatingSystemConfig{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}}
	_, err := controllerutils.GetAndCreateOrMergePatch(ctx, s.client, config, func() error {
		metav1.SetMetaDataAnnotation(&config.ObjectMeta, v1beta1constants.GardenerOperation, v1beta1constants.GardenerOperationReconcile)
		metav1.SetMetaDataAnnotation(&config.ObjectMeta, v1beta1constants.GardenerTimestamp, time.Now().UTC().Format(time.RFC3339Nano))
		metav1.SetMetaDataLabel(&config.ObjectMeta, v1beta1constants.LabelWorkerPool, s.object.Spec.Provider.Workers[0].Name)
		config.Spec = desired
		config.Spec.Purpose = purpose
		if config.Spec.Type == "" {
			config.Spec.Type = "local"
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("applying the OperatingSystemConfig %s of shoot %s: %w", name, s.Name, err)
	}
	return config, nil
}
