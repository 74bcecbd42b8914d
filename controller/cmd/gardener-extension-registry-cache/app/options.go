package app

import (
	"fmt"
	"os"

	controllercmd "github.com/gardener/gardener/extensions/pkg/controller/cmd"
	heartbeatcmd "github.com/gardener/gardener/extensions/pkg/controller/heartbeat/cmd"
	webhookcmd "github.com/gardener/gardener/extensions/pkg/webhook/cmd"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/controller/operatingsystemconfig"
	"github.com/registry-cache/registry-cache/controller/program"
	"github.com/registry-cache/registry-cache/controller/registrycache"
	"github.com/registry-cache/registry-cache/controller/registrymirror"
)

const (
	// name is that of the extension, of its Leases and of its ControllerRegistration.
	name = "extension-registry-cache"
	// webhookName is the name of the MutatingWebhookConfiguration without gardener's prefix "gardener-extension-".
	webhookName = "registry-cache"
)

// options are the options of gardener's library, under the flags that the chart has always set.
type options struct {
	config     configOption
	rest       controllercmd.RESTOptions
	manager    controllercmd.ManagerOptions
	general    controllercmd.GeneralOptions
	reconciler controllercmd.ReconcilerOptions
	controller controllercmd.ControllerOptions
	heartbeat  heartbeatcmd.Options
	program    program.Option
	webhooks   *webhookcmd.AddToManagerOptions
	// controllers is made last, when the others are complete.
	controllers *controllercmd.SwitchOptions

	all controllercmd.OptionAggregator
}

func newOptions() *options {
	namespace := os.Getenv("LEADER_ELECTION_NAMESPACE")
	o := &options{
		manager: controllercmd.ManagerOptions{
			LeaderElection:          true,
			LeaderElectionID:        controllercmd.LeaderElectionNameID(name),
			LeaderElectionNamespace: namespace,
			WebhookServerPort:       443,
			WebhookCertDir:          "/tmp/gardener-extensions-cert",
		},
		controller: controllercmd.ControllerOptions{MaxConcurrentReconciles: 5},
		heartbeat:  heartbeatcmd.Options{ExtensionName: name, Namespace: namespace, RenewIntervalSeconds: 30},
	}
	o.webhooks = webhookcmd.NewAddToManagerOptions(webhookName, "", nil, &o.general,
		&webhookcmd.ServerOptions{Namespace: os.Getenv("WEBHOOK_CONFIG_NAMESPACE")},
		webhookcmd.NewSwitchOptions(
			webhookcmd.Switch(registrycache.Type, operatingsystemconfig.NewCacheWebhook),
			webhookcmd.Switch(registrymirror.Type, operatingsystemconfig.NewMirrorWebhook),
		))
	o.controllers = o.newControllers()
	o.all = controllercmd.NewOptionAggregator(&o.config, &o.rest, &o.manager, &o.general, &o.controller, &o.reconciler, &o.program,
		controllercmd.PrefixOption("heartbeat-", &o.heartbeat), o.controllers, o.webhooks)
	return o
}

// complete reads all flags. What is wrong with one says its name.
func (o *options) complete() error {
	if err := o.heartbeat.Validate(); err != nil {
		return err
	}
	if err := o.all.Complete(); err != nil {
		return fmt.Errorf("reading the flags: %w", err)
	}
	return nil
}

// configOption is a file that charts have always passed and in which nothing can be configured.
type configOption struct {
	path string
}

// AddFlags implements controllercmd.Flagger.
func (o *configOption) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.path, "config", "", "Path of a file with a Configuration of config.registry.extensions.gardener.cloud/v1alpha1, which has no fields yet.")
}

// Complete implements controllercmd.Completer.
func (o *configOption) Complete() error {
	if o.path == "" {
		return nil
	}
	text, err := os.ReadFile(o.path)
	if err != nil {
		return fmt.Errorf("reading --config: %w", err)
	}
	var config metav1.TypeMeta
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		return fmt.Errorf("reading --config %s: it must have apiVersion and kind and no other field: %w", o.path, err)
	}
	const version, kind = "config.registry.extensions.gardener.cloud/v1alpha1", "Configuration"
	if config.APIVersion != version || config.Kind != kind {
		return fmt.Errorf("reading --config %s: it must be a %s of %s, not a %q of %q", o.path, kind, version, config.Kind, config.APIVersion)
	}
	return nil
}
