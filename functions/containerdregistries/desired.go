package containerdregistries

import (
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/guard"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// Desired is what an OperatingSystemConfig should have of a config. It is the same for all of them and may be used again.
type Desired struct {
	// Owner marks what this config adds to an OperatingSystemConfig, in an annotation, so that a later run knows what to
	// remove. The webhook leaves it empty: Gardener makes an OperatingSystemConfig anew each time.
	Owner string

	// YieldToGuard leaves the mirrors of an upstream out that a guard of another config looks after, instead of refusing them.
	// Webhooks are called in any order, and the guard takes an upstream's mirrors out when it comes second: so the cache has
	// the upstream in both orders. To tell the user is the business of whoever admits the configs.
	YieldToGuard bool

	// files, units and registries are entries of the three lists by path, name and upstream.
	files, units, registries []entry
	// guarded are the upstreams that the guard looks after.
	guarded []string
	// ownsGuard says that the guard's files and unit go if they are not wanted, whoever added them.
	ownsGuard bool
}

// entry is an element of a list and what it is found by.
type entry struct {
	key   string
	value map[string]any
}

// DesiredOf reads a ContainerdRegistries or MirrorConfig for nodes of Gardener. items are the Secrets with CA bundles. What
// is wrong with them comes as a fault.List; any other error is a defect of this module.
func DesiredOf(in input.Config, items []manifest.Object) (*Desired, error) {
	c, list := decodeConfig(in, v1alpha1.PlatformShoot)
	list = append(list, c.findBundles(items)...)
	if err := list.OrNil(); err != nil {
		return nil, err
	}
	d, list, err := c.desired(in.Kind == Kind)
	if err != nil {
		return nil, err
	}
	if err := list.OrNil(); err != nil {
		return nil, err
	}
	return d, nil
}

func (c *config) desired(ownsGuard bool) (*Desired, fault.List, error) {
	d := &Desired{ownsGuard: ownsGuard}
	if err := d.addGuard(c); err != nil {
		return nil, nil, err
	}
	var list fault.List
	for i := range c.registries {
		if r := &c.registries[i]; !r.probe {
			list = append(list, d.addMirror(r)...)
		}
	}
	return d, list, nil
}

// guarded returns the registries for the guard, and their CA bundle.
func (c *config) guarded() (registries []guard.Registry, bundle []byte) {
	for i := range c.registries {
		r := &c.registries[i]
		if !r.probe {
			continue
		}
		registries = append(registries, guard.Registry{Upstream: r.upstream, Endpoint: r.hosts[0].url, Server: r.server})
		if r.hosts[0].caSecret != "" {
			bundle = r.hosts[0].bundle
		}
	}
	return registries, bundle
}

// addGuard adds the script, its CA bundle and the unit. Gardener's node agent restarts the unit when one of the files
// changes that it lists.
func (d *Desired) addGuard(c *config) error {
	registries, bundle := c.guarded()
	if len(registries) == 0 {
		return nil
	}
	script, err := guard.Script()
	if err != nil {
		return fmt.Errorf("reading the guard: %w", err)
	}
	d.addFile(guard.ScriptPath, 0o755, script)
	filePaths, caFile := []any{guard.ScriptPath}, ""
	if bundle != nil {
		caFile = guard.CABundlePath
		d.addFile(caFile, 0o644, bundle)
		filePaths = append(filePaths, caFile)
	}
	arguments, err := guard.Arguments(registries, caFile)
	if err != nil {
		return err
	}
	content, err := guard.Unit(arguments)
	if err != nil {
		return err
	}
	d.units = append(d.units, entry{guard.UnitName, map[string]any{
		"name": guard.UnitName, "command": "start", "enable": true, "content": content, "filePaths": filePaths,
	}})
	for _, r := range registries {
		d.guarded = append(d.guarded, r.Upstream)
	}
	return nil
}

func (d *Desired) addFile(name string, permissions int64, content []byte) {
	d.files = append(d.files, entry{name, map[string]any{
		"path": name, "permissions": permissions,
		"content": map[string]any{"inline": map[string]any{"encoding": "b64", "data": base64.StdEncoding.EncodeToString(content)}},
	}})
}

// addMirror adds an entry that Gardener's node agent makes a hosts.toml of, and the CA bundles that it refers to.
func (d *Desired) addMirror(r *registry) (list fault.List) {
	hosts := make([]any, len(r.hosts))
	for i := range r.hosts {
		h := &r.hosts[i]
		value := map[string]any{"url": h.url, "capabilities": anyList(h.capabilities)}
		if h.caSecret != "" {
			file := caBundlePath(r.upstream, h.url)
			value["caCerts"] = []any{file}
			list = append(list, d.addBundle(file, h)...)
		}
		if h.overridePath != nil {
			value["overridePath"] = *h.overridePath
		}
		hosts[i] = value
	}
	d.registries = append(d.registries, entry{r.upstream, map[string]any{"upstream": r.upstream, "server": r.server, "hosts": hosts}})
	return list
}

// addBundle refuses another content for a file that is there already: r.io:5000 and r.io-5000 have one folder.
func (d *Desired) addBundle(file string, h *host) fault.List {
	i := slices.IndexFunc(d.files, func(e entry) bool { return e.key == file })
	if i < 0 {
		d.addFile(file, 0o644, h.bundle)
		return nil
	}
	if manifest.Text(d.files[i].value, "content", "inline", "data") == base64.StdEncoding.EncodeToString(h.bundle) {
		return nil
	}
	return fault.List{{
		Severity: fault.Error, Cause: fault.Configuration, Field: h.caPath.String(), Value: h.caSecret,
		Message: fmt.Sprintf("must name the same CA bundle as another host whose file would be %s too", file),
	}}
}

// caBundlePath is where the existing extension has the CA bundle of a mirror's host. In names of upstreams with a port this
// is another folder than that of hosts.toml.
func caBundlePath(upstream, hostURL string) string {
	_, name, _ := strings.Cut(hostURL, "://")
	name = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '-'
	}, name)
	return path.Join(guard.CertsDir, strings.ReplaceAll(upstream, ":", "-"), limited(name, "-ca-bundle.pem", maxFileName, hostURL))
}

func anyList(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}
