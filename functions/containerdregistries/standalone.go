package containerdregistries

import (
	"fmt"
	"path"
	"strings"

	"github.com/registry-cache/registry-cache/functions/containerdregistries/guard"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/nodeconfigurator"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// standalone returns the node configurator for a plain cluster.
func (c *config) standalone(in input.Config) ([]manifest.Object, error) {
	role := "registries"
	if in.Kind == MirrorKind {
		role = "mirrors"
	}
	v := nodeconfigurator.Values{Name: nodeconfigurator.Name(role, in.Name), Image: c.image}
	v.Registries, v.CABundle = c.guarded()
	for i := range c.registries {
		if r := &c.registries[i]; !r.probe {
			v.Mirrors = append(v.Mirrors, r.mirror())
		}
	}
	return nodeconfigurator.Render(v)
}

// mirror returns the folder of an upstream: hosts.toml, in front of which the guard puts the line that marks it as its own,
// and the CA bundles that it names, by their content as the guard names its copies.
func (r *registry) mirror() nodeconfigurator.Mirror {
	m := nodeconfigurator.Mirror{Upstream: r.upstream}
	known := map[string]bool{}
	var text strings.Builder
	fmt.Fprintf(&text, "server = %q\n", r.server)
	for i := range r.hosts {
		h := &r.hosts[i]
		fmt.Fprintf(&text, "\n[host.%q]\n  capabilities = [\"%s\"]\n", h.url, strings.Join(h.capabilities, `", "`))
		if h.bundle != nil {
			name := "registry-cache-ca-" + hash(h.bundle)[:12] + ".pem"
			fmt.Fprintf(&text, "  ca = %q\n", path.Join(guard.CertsDir, r.upstream, name))
			if !known[name] {
				m.Files = append(m.Files, nodeconfigurator.File{Name: name, Content: string(h.bundle)})
			}
			known[name] = true
		}
		if h.overridePath != nil && *h.overridePath {
			text.WriteString("  override_path = true\n")
		}
	}
	m.Files = append(m.Files, nodeconfigurator.File{Name: "hosts.toml", Content: text.String()})
	return m
}
