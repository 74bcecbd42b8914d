//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gardener/gardener/pkg/api/extensions/v1alpha1/helper"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"

	"github.com/registry-cache/registry-cache/test/cluster"
)

const (
	certsDir = "/etc/containerd/certs.d"
	unitsDir = "/etc/systemd/system"
)

// nodeAgent plays the gardener-node-agent of a node, in its order of work, and with [systemd] the systemd that it commands. It
// works on the node's own files. What it does not do: containerd's config.toml, drop-ins of units, files from images.
type nodeAgent struct {
	node    *cluster.Node
	systemd *systemd
	// applied is the last OperatingSystemConfig that it applied wholly; the real one keeps it in a file.
	applied extensionsv1alpha1.OperatingSystemConfigSpec
}

func newNodeAgent(node *cluster.Node) *nodeAgent {
	return &nodeAgent{node: node, systemd: &systemd{node: node, enabled: map[string]bool{}}}
}

// apply makes the node what an OperatingSystemConfig says. It fails where the real one would fail and try again.
func (a *nodeAgent) apply(ctx context.Context, config *extensionsv1alpha1.OperatingSystemConfig) error {
	desired := config.DeepCopy().Spec
	changed := a.changedFiles(desired.Files)
	for i := range changed {
		if err := a.writeFile(&changed[i]); err != nil {
			return err
		}
	}
	waitForRegistries, err := a.writeRegistries(ctx, registriesOf(&desired))
	if err != nil {
		return err
	}
	if err := a.applyUnits(ctx, desired.Units, changed); err != nil {
		return err
	}
	if err := waitForRegistries(); err != nil {
		return err
	}
	if err := a.removeObsolete(&desired); err != nil {
		return err
	}
	a.applied = desired
	return nil
}

func registriesOf(spec *extensionsv1alpha1.OperatingSystemConfigSpec) []extensionsv1alpha1.RegistryConfig {
	if spec.CRIConfig == nil || spec.CRIConfig.Containerd == nil {
		return nil
	}
	return spec.CRIConfig.Containerd.Registries
}

// path is where a file of the node is for the test.
func (a *nodeAgent) path(path string) string { return filepath.Join(a.node.Root(), path) }

// changedFiles are those that are new or not as in the last OperatingSystemConfig; what happened to them on the node since, the
// real one does not look at either.
func (a *nodeAgent) changedFiles(files []extensionsv1alpha1.File) (changed []extensionsv1alpha1.File) {
	for _, file := range files {
		if !slices.ContainsFunc(a.applied.Files, func(old extensionsv1alpha1.File) bool { return equality.Semantic.DeepEqual(old, file) }) {
			changed = append(changed, file)
		}
	}
	return changed
}

// writeFile writes a file beside its place and moves it there.
func (a *nodeAgent) writeFile(file *extensionsv1alpha1.File) error {
	if file.Content.Inline == nil {
		return fmt.Errorf("writing %s: it must have an inline content", file.Path)
	}
	content, err := helper.Decode(file.Content.Inline.Encoding, []byte(file.Content.Inline.Data))
	if err != nil {
		return fmt.Errorf("decoding %s: %w", file.Path, err)
	}
	temporary := a.path("/var/lib/gardener-node-agent/tmp/file")
	mode := os.FileMode(ptr.Deref(file.Permissions, 0o600))
	for _, path := range []string{a.path(file.Path), temporary} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(temporary, content, mode); err != nil {
		return err
	}
	if err := os.Chmod(temporary, mode); err != nil { // whatever the umask is
		return err
	}
	return os.Rename(temporary, a.path(file.Path))
}

// writeRegistries writes hosts.toml of each registry: at once where no probe is asked for, else in the background once its hosts
// answer. The function that it returns waits for those. A registry that has not changed is probed again nevertheless: what the
// real one compares with has been emptied by the time (computeContainerdRegistryDiffs, slices.DeleteFunc).
func (a *nodeAgent) writeRegistries(ctx context.Context, registries []extensionsv1alpha1.RegistryConfig) (wait func() error, err error) {
	group, ctx := errgroup.WithContext(ctx)
	for i := range registries {
		registry := &registries[i]
		if !ptr.Deref(registry.ReadinessProbe, false) {
			if err := a.writeHosts(registry); err != nil {
				return nil, err
			}
			continue
		}
		if err := os.MkdirAll(a.path(filepath.Join(certsDir, registry.Upstream)), 0o755); err != nil {
			return nil, err
		}
		group.Go(func() error {
			if err := a.awaitHosts(ctx, registry); err != nil {
				return err
			}
			return a.writeHosts(registry)
		})
	}
	return group.Wait, nil
}

// awaitHosts asks the hosts of a registry every 2 seconds until each answers, whatever it answers.
func (a *nodeAgent) awaitHosts(ctx context.Context, registry *extensionsv1alpha1.RegistryConfig) error {
	for {
		var failed error
		for _, host := range registry.Hosts {
			args := []string{"--silent", "--show-error", "--output", "/dev/null", "--max-time", "1"}
			for _, ca := range host.CACerts { // one, where this is used
				args = append(args, "--cacert", ca)
			}
			_, err := a.node.Run(ctx, "curl", append(args, host.URL)...)
			failed = errors.Join(failed, err)
		}
		if failed == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the hosts of %s: %w", registry.Upstream, failed)
		case <-time.After(2 * time.Second):
		}
	}
}

// writeHosts writes hosts.toml in place, in the form of the gardener-node-agent's template.
func (a *nodeAgent) writeHosts(registry *extensionsv1alpha1.RegistryConfig) error {
	dir := a.path(filepath.Join(certsDir, registry.Upstream))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(hostsOf(registry)), 0o644)
}

func hostsOf(registry *extensionsv1alpha1.RegistryConfig) string {
	text := &strings.Builder{}
	text.WriteString("# managed by gardener-node-agent")
	if server := ptr.Deref(registry.Server, ""); server != "" {
		fmt.Fprintf(text, "\nserver = %q\n", server)
	}
	for i := range registry.Hosts {
		host := &registry.Hosts[i]
		capabilities := host.Capabilities
		if len(capabilities) == 0 {
			capabilities = []extensionsv1alpha1.RegistryCapability{extensionsv1alpha1.PullCapability, extensionsv1alpha1.ResolveCapability}
		}
		fmt.Fprintf(text, "\n[host.%q]\n  capabilities = %s", host.URL, asJSON(capabilities))
		if len(host.CACerts) > 0 {
			fmt.Fprintf(text, "\n  ca = %s", asJSON(host.CACerts))
		}
		if ptr.Deref(host.OverridePath, false) {
			text.WriteString("\n  override_path = true")
		}
		text.WriteString("\n")
	}
	text.WriteString("\n")
	return text.String()
}

// asJSON returns a list of words, which is TOML too.
func asJSON(words any) string {
	text, _ := json.Marshal(words) // words always can be
	return string(text)
}

// applyUnits writes and enables the units that are new, have changed, or have changed files; ends those that are gone; and then
// starts, restarts or stops the former.
func (a *nodeAgent) applyUnits(ctx context.Context, units []extensionsv1alpha1.Unit, changedFiles []extensionsv1alpha1.File) error {
	changed := a.changedUnits(units, changedFiles)
	for _, unit := range changed {
		if err := a.writeUnit(unit); err != nil {
			return err
		}
		a.systemd.enabled[unit.Name] = ptr.Deref(unit.Enable, true)
	}
	for _, unit := range a.applied.Units {
		if !slices.ContainsFunc(units, func(u extensionsv1alpha1.Unit) bool { return u.Name == unit.Name }) {
			if err := a.removeUnit(unit.Name); err != nil {
				return err
			}
		}
	}
	for _, unit := range changed {
		err := a.systemd.stop(unit.Name)
		if err == nil && a.systemd.enabled[unit.Name] && ptr.Deref(unit.Command, "") != extensionsv1alpha1.CommandStop {
			err = a.systemd.start(ctx, unit.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *nodeAgent) changedUnits(units []extensionsv1alpha1.Unit, files []extensionsv1alpha1.File) (changed []extensionsv1alpha1.Unit) {
	for _, unit := range units {
		same := slices.ContainsFunc(a.applied.Units, func(old extensionsv1alpha1.Unit) bool { return equality.Semantic.DeepEqual(old, unit) })
		needsFile := slices.ContainsFunc(files, func(f extensionsv1alpha1.File) bool { return slices.Contains(unit.FilePaths, f.Path) })
		if !same || needsFile {
			changed = append(changed, unit)
		}
	}
	return changed
}

func (a *nodeAgent) writeUnit(unit extensionsv1alpha1.Unit) error {
	if unit.Content == nil {
		return fmt.Errorf("writing %s: a unit without content is not played", unit.Name)
	}
	path := a.path(filepath.Join(unitsDir, unit.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(*unit.Content), 0o600)
}

func (a *nodeAgent) removeUnit(name string) error {
	delete(a.systemd.enabled, name)
	if err := a.systemd.stop(name); err != nil {
		return err
	}
	return os.Remove(a.path(filepath.Join(unitsDir, name)))
}

// removeObsolete removes folders of upstreams first, with all that is in them, and then files.
func (a *nodeAgent) removeObsolete(desired *extensionsv1alpha1.OperatingSystemConfigSpec) error {
	for _, old := range registriesOf(&a.applied) {
		if !slices.ContainsFunc(registriesOf(desired), func(r extensionsv1alpha1.RegistryConfig) bool { return r.Upstream == old.Upstream }) {
			if err := os.RemoveAll(a.path(filepath.Join(certsDir, old.Upstream))); err != nil {
				return err
			}
		}
	}
	for _, old := range a.applied.Files {
		if !slices.ContainsFunc(desired.Files, func(f extensionsv1alpha1.File) bool { return f.Path == old.Path }) {
			if err := os.Remove(a.path(old.Path)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
