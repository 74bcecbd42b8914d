package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// Charts and their values rely on these names and defaults.
func TestFlags(t *testing.T) {
	t.Setenv("LEADER_ELECTION_NAMESPACE", "garden")
	t.Setenv("WEBHOOK_CONFIG_NAMESPACE", "extension-registry-cache")
	want := map[string]string{
		"kubeconfig": "", "master": "", "registry": "registry-cache",
		"leader-election": "true", "leader-election-id": "gardener-extension-registry-cache-admission", "leader-election-namespace": "garden",
		"webhook-config-namespace": "extension-registry-cache", "webhook-config-owner-namespace": "",
		"webhook-config-mode": "", "webhook-config-url": "", "webhook-config-service-port": "0",
		"webhook-config-server-host": "", "webhook-config-server-port": "443", "webhook-config-cert-dir": "/tmp/admission-registry-cache-cert",
		"metrics-bind-address": ":8080", "health-bind-address": ":8081",
		"disable-webhooks": "[]", "log-level": "info", "log-format": "json",
	}
	got := map[string]string{}
	NewCommand(t.Context()).Flags().VisitAll(func(f *pflag.Flag) { got[f.Name] = f.DefValue })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
}

func TestWebhooksCanBeDisabled(t *testing.T) {
	for name, known := range map[string]bool{"registry-cache-validator": true, "registry-mirror-validator": true, "*": true, "validator": false} {
		o := newOptions()
		o.webhook.Switch.Disabled = []string{name}
		if err := o.webhook.Complete(); (err == nil) != known {
			t.Errorf("disabling %q: %v", name, err)
		}
	}
}
