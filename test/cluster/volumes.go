package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

//go:embed node/volume.yaml
var volumeYAML []byte

// countVolumes is how many claims can be bound.
const countVolumes = 24

// createVolumes creates volumes to which claims without a storage class are bound. They are local ones, which honour fsGroup,
// in a folder that all nodes have, so that pods can move. Their size is nobody's concern: they are as large as the disk.
func (c *Cluster) createVolumes(ctx context.Context) error {
	for number := range countVolumes {
		volume := &corev1.PersistentVolume{}
		if err := yaml.UnmarshalStrict(volumeYAML, volume); err != nil {
			return fmt.Errorf("reading the volume: %w", err)
		}
		volume.Name = fmt.Sprintf("volume-%d", number)
		volume.Spec.Local.Path = filepath.Join(c.sharedDir(), volume.Name)
		if err := os.MkdirAll(volume.Spec.Local.Path, 0o755); err != nil {
			return fmt.Errorf("making the folder of %s: %w", volume.Name, err)
		}
		if err := c.client.Create(ctx, volume); err != nil {
			return fmt.Errorf("creating %s: %w", volume.Name, err)
		}
	}
	return nil
}

// VolumeDir returns the folder of the files of a volume, by the volume's name.
func (c *Cluster) VolumeDir(name string) string { return filepath.Join(c.sharedDir(), name) }
