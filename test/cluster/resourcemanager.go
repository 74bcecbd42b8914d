package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	resourcemanagerv1alpha1 "github.com/gardener/gardener/pkg/apis/config/resourcemanager/v1alpha1"
	"sigs.k8s.io/yaml"
)

//go:embed resourcemanager.yaml
var resourceManagerConfig []byte

// StartResourceManager starts the gardener-resource-manager with this cluster as source and as target, and returns when
// its caches are filled. A real seed has one per shoot, which knows its namespace only; this one serves all. A hibernated shoot
// has none: after [Process.Stop] this starts it again.
func (c *Cluster) StartResourceManager(ctx context.Context) error {
	file := filepath.Join(c.dir, "resource-manager.yaml")
	if err := c.writeResourceManagerConfig(file); err != nil {
		return fmt.Errorf("configuring the resource-manager: %w", err)
	}
	process, err := c.StartProcess(ResourceManager, c.tools[ResourceManager], nil, "--config="+file)
	if err != nil {
		return err
	}
	return process.WaitHTTP(ctx, c.httpClient(), "http://"+hostPort(c.ports.resourceManagerHealth)+"/readyz")
}

func (c *Cluster) writeResourceManagerConfig(file string) error {
	config := &resourcemanagerv1alpha1.ResourceManagerConfiguration{}
	if err := yaml.UnmarshalStrict(resourceManagerConfig, config); err != nil {
		return err
	}
	config.SourceClientConnection.Kubeconfig = c.files.kubeconfig()
	config.TargetClientConnection.Kubeconfig = c.files.kubeconfig()
	config.Server.HealthProbes.Port = c.ports.resourceManagerHealth
	config.Server.Metrics.Port = c.ports.resourceManagerMetrics
	config.Server.Webhooks.Port = c.ports.resourceManagerWebhooks
	config.Server.Webhooks.TLS.ServerCertDir = c.files.dir
	text, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
