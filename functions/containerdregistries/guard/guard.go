// Package guard knows the script that guards containerd's hosts.toml files on a node, its systemd unit, and how a registry
// is handed to it.
package guard

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/registry-cache/registry-cache/scripts"
)

const (
	// ScriptPath is where the script is on a node of Gardener's; the first version of the existing extension had it there.
	ScriptPath = "/opt/bin/configure-containerd-registries.sh"
	// UnitName is its systemd unit.
	UnitName = "configure-containerd-registries.service"
	// CertsDir is containerd's config_path.
	CertsDir = "/etc/containerd/certs.d"
	// CABundlePath is where the CA bundle of the caches is on a node.
	CABundlePath = CertsDir + "/ca-bundle.pem"

	scriptFile = "configure-containerd-registries.sh"
	execStart  = "ExecStart=" + ScriptPath
)

// Registry is what the guard is told of a registry.
type Registry struct {
	// Upstream is the registry as in image names.
	Upstream string
	// Endpoint is the URL of its cache.
	Endpoint string
	// Server is the URL of the upstream itself.
	Server string
}

// Argument returns the registry as the script takes it.
func (r Registry) Argument() string {
	return r.Upstream + "," + plain(r.Endpoint) + "," + plain(r.Server)
}

// plain writes a URL as the script takes it, with the scheme in small letters and no slash at the end.
func plain(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return address
}

// harmless are the characters of an argument: they mean nothing to systemd, which knows specifiers (%), variables ($),
// quotes and backslashes, to a shell or to Kubernetes, which knows $(variables).
var harmless = regexp.MustCompile(`^[a-zA-Z0-9.,:/\[\]_-]+$`)

// Arguments returns the arguments for the registries. What could mean anything but itself where the arguments go is refused,
// although the validation of a config lets none of it through.
func Arguments(registries []Registry, caFile string) ([]string, error) {
	var arguments []string
	if caFile != "" {
		arguments = append(arguments, "--ca-file", caFile)
	}
	for _, r := range registries {
		arguments = append(arguments, r.Argument())
	}
	for _, argument := range arguments {
		if !harmless.MatchString(argument) {
			return nil, fmt.Errorf("the argument %q must have letters, digits and .,:/[]_- only", argument)
		}
	}
	return arguments, nil
}

// Script returns the script.
func Script() ([]byte, error) {
	return scripts.FS.ReadFile(scriptFile)
}

// Unit returns the content of the systemd unit that runs the script with these arguments.
func Unit(arguments []string) (string, error) {
	text, err := scripts.FS.ReadFile(UnitName)
	if err != nil {
		return "", fmt.Errorf("reading the unit: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	found := false
	for i, line := range lines {
		if line == execStart {
			lines[i], found = strings.Join(append([]string{line}, arguments...), " "), true
		}
	}
	if !found {
		return "", errors.New("the unit must have the line " + execStart)
	}
	return strings.Join(lines, "\n"), nil
}

// Upstreams returns the upstreams that a unit's content hands to the script, of this version or of the existing extension.
func Upstreams(unit string) (upstreams []string) {
	for line := range strings.Lines(unit) {
		arguments, found := strings.CutPrefix(strings.TrimSpace(line), execStart+" ")
		if !found {
			continue
		}
		for argument := range strings.FieldsSeq(arguments) {
			if upstream, _, isRegistry := strings.Cut(argument, ","); isRegistry {
				upstreams = append(upstreams, upstream)
			}
		}
	}
	return upstreams
}
