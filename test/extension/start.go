// Package extension starts the Gardener extension in a cluster of package cluster as its chart would, but as a process without
// a pod.
package extension

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/charts"
	"github.com/registry-cache/registry-cache/test/cluster"
)

const (
	// Namespace is where gardenlet would install the extension.
	Namespace = "extension-registry-cache"
	// Name is that of the extension's ServiceAccount and of its chart.
	Name = "gardener-extension-registry-cache"
)

// Options say what is started.
type Options struct {
	// Process is the name that the process has in the cluster.
	Process string
	// Repository is the path of the repository's root, below which is the chart, and Program that of the program.
	Repository, Program string
	// CertDir is a folder for the certificate of the webhook.
	CertDir string
	// Args are further arguments, which win over all others.
	Args []string
}

// Process is a running process of the extension.
type Process struct {
	*cluster.Process
	Addresses
	// ChartArgs are the arguments that a pod would have.
	ChartArgs []string
}

// Start starts the extension with the chart's arguments, as the chart's ServiceAccount, whose rights are those of the chart's
// roles and no others. What only a pod can have is replaced by further arguments: addresses, the folder for certificates, a
// kubeconfig; it leads without an election. It does not wait until the extension is ready.
func Start(ctx context.Context, c *cluster.Cluster, o Options) (*Process, error) {
	args, err := install(ctx, c.Client(), filepath.Join(o.Repository, "controller", "charts", Name))
	if err != nil {
		return nil, err
	}
	kubeconfig, err := c.KubeconfigFor(ctx, Namespace, Name)
	if err != nil {
		return nil, err
	}
	addresses, err := FreeAddresses()
	if err != nil {
		return nil, err
	}
	path, err := filepath.Abs(o.Program)
	if err != nil {
		return nil, fmt.Errorf("finding the extension: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("finding the extension, run make bin/%s first: %w", Name, err)
	}
	environment := []string{"LEADER_ELECTION_NAMESPACE=" + Namespace, "WEBHOOK_CONFIG_NAMESPACE=" + Namespace}
	process, err := c.StartProcess(o.Process, path, environment, slices.Concat(args,
		[]string{"--kubeconfig=" + kubeconfig, "--leader-election=false", "--webhook-config-mode=url"}, addresses.Args(o.CertDir), o.Args)...)
	if err != nil {
		return nil, err
	}
	return &Process{Process: process, Addresses: addresses, ChartArgs: args}, nil
}

// install creates what the chart has beside its pods, and returns the arguments of those.
func install(ctx context.Context, c client.Client, chart string) ([]string, error) {
	objects, err := charts.Render(chart, map[string]any{"image": map[string]any{"ref": "registry.example/extension:test"}}, Namespace)
	if err != nil {
		return nil, err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}
	if err := client.IgnoreAlreadyExists(c.Create(ctx, namespace)); err != nil {
		return nil, fmt.Errorf("creating the namespace of the extension: %w", err)
	}
	if err := charts.CreateWithoutPods(ctx, c, objects); err != nil {
		return nil, err
	}
	return charts.ContainerArgs(objects)
}
