package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// packages are Debian's packages by the program that shows that one is installed, which nodes need beside our own programs.
var packages = []struct{ program, name string }{
	{"ip", "iproute2"}, {"iptables", "iptables"}, {"runc", "runc"}, {"mount", "mount"}, {"nsenter", "util-linux"}, {"unshare", "util-linux"},
	{"bash", "bash"}, {"curl", "curl"},
}

// needs says what this machine lacks for a node.
func needs() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a cluster with nodes needs root, for namespaces and containers")
	}
	var names []string
	for _, p := range packages {
		if _, err := exec.LookPath(p.program); err != nil {
			names = append(names, p.name)
		}
	}
	if names != nil {
		return fmt.Errorf("a cluster with nodes needs packages: apt-get install %s", strings.Join(names, " "))
	}
	return nil
}
