// Package app wires the admission component: flags, environment, and the manager that serves the webhooks.
package app

import (
	"context"
	"fmt"
	"os"

	controllercmd "github.com/gardener/gardener/extensions/pkg/controller/cmd"
	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"
	webhookcmd "github.com/gardener/gardener/extensions/pkg/webhook/cmd"
	"github.com/spf13/cobra"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/registry-cache/registry-cache/controller/admission"
	"github.com/registry-cache/registry-cache/controller/program"
	"github.com/registry-cache/registry-cache/controller/version"
)

const (
	// Name is the name of the binary, of its Service and ValidatingWebhookConfiguration, and the id of its leader election.
	Name = "gardener-extension-registry-cache-admission"
	// componentName names the Secrets of the webhook's certificates; the library puts "gardener-extension-" before it where
	// other names come from it.
	componentName = "registry-cache-admission"
)

const description = `Validates Shoots with the extensions registry-cache and registry-mirror.

It registers the webhooks registry-cache-validator and registry-mirror-validator in the garden cluster and keeps their
certificates in the cluster that it runs in. Secrets with credentials and CA bundles are read in the Shoot's namespace.

Environment:
  GARDEN_KUBECONFIG          kubeconfig of the garden cluster, goes before --kubeconfig
  LEADER_ELECTION_NAMESPACE  default of --leader-election-namespace
  WEBHOOK_CONFIG_NAMESPACE   default of --webhook-config-namespace`

var log = logf.Log.WithName(Name)

// options are what flags and environment decide.
type options struct {
	rest    *controllercmd.RESTOptions
	manager *controllercmd.ManagerOptions
	program *program.Option
	webhook *webhookcmd.AddToManagerOptions
}

// NewCommand returns the command, which runs until ctx is done.
func NewCommand(ctx context.Context) *cobra.Command {
	o := newOptions()
	all := controllercmd.NewOptionAggregator(o.rest, o.manager, o.program, o.webhook)
	cmd := &cobra.Command{
		Use:           Name,
		Short:         "Validates Shoots with the extensions registry-cache and registry-mirror",
		Long:          description,
		Version:       version.String(),
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true, // main logs them
		RunE: func(*cobra.Command, []string) error {
			log.Info("Starting", "version", version.String())
			if path := os.Getenv("GARDEN_KUBECONFIG"); path != "" {
				o.rest.Kubeconfig = path
			}
			if err := all.Complete(); err != nil {
				return fmt.Errorf("completing options: %w", err)
			}
			return o.run(ctx)
		},
	}
	all.AddFlags(cmd.Flags())
	return cmd
}

func newOptions() *options {
	o := &options{
		program: &program.Option{},
		rest:    &controllercmd.RESTOptions{},
		manager: &controllercmd.ManagerOptions{
			LeaderElection:          true,
			LeaderElectionID:        Name,
			LeaderElectionNamespace: os.Getenv("LEADER_ELECTION_NAMESPACE"),
			WebhookServerPort:       443,
			WebhookCertDir:          "/tmp/admission-registry-cache-cert",
		},
	}
	o.webhook = webhookcmd.NewAddToManagerOptions(componentName, "", nil, nil,
		&webhookcmd.ServerOptions{Namespace: os.Getenv("WEBHOOK_CONFIG_NAMESPACE")},
		webhookcmd.NewSwitchOptions(
			webhookcmd.Switch(admission.CacheWebhook, func(mgr manager.Manager) (*extensionswebhook.Webhook, error) {
				return admission.NewCacheWebhook(mgr, o.program.Registry())
			}),
			webhookcmd.Switch(admission.MirrorWebhook, admission.NewMirrorWebhook),
		))
	return o
}
