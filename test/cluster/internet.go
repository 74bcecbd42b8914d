package cluster

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/registry-cache/registry-cache/test/registries"
)

// Internet is what the nodes of a cluster take for the internet: a network namespace that routes between them and has the
// registries that a test starts.
type Internet struct {
	net *Namespace
	// ca signs the certificates of all registries with TLS; nodes trust it as they trust the authorities of the web.
	ca         *registries.CA
	registries []*Registry
	observe    func(*Registry, Request)
}

// OnRequest lets a function see every request of the registries that are started from now on, from several goroutines at once.
func (i *Internet) OnRequest(observe func(*Registry, Request)) { i.observe = observe }

// newInternet makes one whose registries have certificates of an authority, or of a new one if there is none.
func newInternet(dir string, authority *registries.CA) (i *Internet, err error) {
	i = &Internet{ca: authority}
	if i.ca == nil {
		if i.ca, err = registries.NewCA(); err != nil {
			return nil, err
		}
	}
	if i.net, err = newNamespace(filepath.Join(dir, "internet.log"), "internet"); err != nil {
		return nil, err
	}
	return i, i.configure()
}

// configure makes the switch to which nodes are plugged, and the addresses of all hosts.
func (i *Internet) configure() error {
	if err := i.net.Sysctl("ipv4/ip_forward", "1"); err != nil {
		return fmt.Errorf("letting the internet route: %w", err)
	}
	commands := [][]string{
		{"link", "add", "switch", "type", "bridge"},
		{"addr", "add", fmt.Sprintf("%s/%d", internetAddress, nodePrefix), "dev", "switch"},
		{"link", "set", "switch", "up"},
		{"route", "add", "blackhole", "default"},
	}
	for _, address := range slices.Sorted(maps.Values(Names)) {
		commands = append(commands, []string{"addr", "add", address + "/32", "dev", "lo"})
	}
	for _, command := range commands {
		if err := i.net.IP(command...); err != nil {
			return err
		}
	}
	return nil
}

// plug connects a node, and routes the addresses of its pods to it.
func (i *Internet) plug(number int, node *Namespace) error {
	port := fmt.Sprintf("port%d", number)
	steps := []struct {
		net  *Namespace
		args []string
	}{
		{i.net, []string{"link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprint(node.holder.PID())}},
		{i.net, []string{"link", "set", port, "master", "switch", "up"}},
		{node, []string{"addr", "add", fmt.Sprintf("%s/%d", nodeAddress(number), nodePrefix), "dev", "eth0"}},
		{node, []string{"link", "set", "eth0", "up"}},
		{node, []string{"route", "add", "default", "via", internetAddress}},
		{i.net, []string{"route", "add", nodePods(number).String(), "via", nodeAddress(number).String()}},
	}
	for _, step := range steps {
		if err := step.net.IP(step.args...); err != nil {
			return err
		}
	}
	return nil
}

// CA returns the certificate of the authority that signs for all registries with TLS, in PEM. What does not pull from a node
// but from a pod has to be told.
func (i *Internet) CA() []byte { return i.ca.PEM() }

// Namespace is that of the internet, for a client from outside of the cluster.
func (i *Internet) Namespace() *Namespace { return i.net }

func (i *Internet) close() error {
	for _, registry := range i.registries {
		registry.Stop()
	}
	return i.net.Close()
}

// hostsFile returns the names of the internet in the form of /etc/hosts.
func hostsFile() string {
	var text strings.Builder
	text.WriteString("127.0.0.1 localhost\n")
	for _, name := range slices.Sorted(maps.Keys(Names)) {
		fmt.Fprintf(&text, "%s %s\n", Names[name], name)
	}
	return text.String()
}
