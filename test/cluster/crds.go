package cluster

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// crds are the kinds that the extension, the resource-manager and the tests use, as globs of files in gardener's module.
// What else a seed has (Istio, Fluent Bit, machines) would only cost time.
var crds = []string{
	"10-crd-extensions.gardener.cloud_*.yaml",
	"10-crd-resources.gardener.cloud_*.yaml",
	"10-crd-autoscaling.k8s.io_*.yaml",
	"10-crd-monitoring.coreos.com_prometheusrules.yaml",
	"10-crd-monitoring.coreos.com_scrapeconfigs.yaml",
}

// installCRDs creates gardener's own CustomResourceDefinitions and waits until the API server serves them.
func (c *Cluster) installCRDs(ctx context.Context) error {
	dir, err := gardenerDir(ctx)
	if err != nil {
		return err
	}
	var paths []string
	for _, glob := range crds {
		matches, err := filepath.Glob(filepath.Join(dir, "example", "seed-crds", glob))
		if err != nil {
			return fmt.Errorf("finding CRDs: %w", err)
		}
		if len(matches) == 0 {
			return fmt.Errorf("finding CRDs: gardener's module has no file %s", glob)
		}
		paths = append(paths, matches...)
	}
	if _, err := envtest.InstallCRDs(c.config, envtest.CRDInstallOptions{Paths: paths, ErrorIfPathMissing: true}); err != nil {
		return fmt.Errorf("installing gardener's CRDs: %w", err)
	}
	return nil
}

// gardenerDir returns the folder of gardener's module, of the version that go.mod pins. The CRDs are in no Go package of
// it that exports them all.
func gardenerDir(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/gardener/gardener").Output()
	if err != nil {
		return "", fmt.Errorf("finding gardener's module with go list: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}
