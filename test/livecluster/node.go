package livecluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// Hosts returns the hosts.toml of an upstream on a node, "" if there is none.
func Hosts(node *cluster.Node, upstream string) (string, error) {
	content, err := os.ReadFile(filepath.Join(node.Root(), "etc/containerd/certs.d", upstream, "hosts.toml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading what %s uses: %w", node.Name, err)
	}
	return string(content), nil
}

var clusterIP = regexp.MustCompile(`(?m)^\[host\."https?://10\.96\.`)

// NamesCache tells whether hosts.toml leads to a cluster IP.
func NamesCache(hosts string) bool { return clusterIP.MatchString(hosts) }

// View is where a node's files are seen with its mounts, those in /run and the volumes, while the node is not switched off.
func View(node *cluster.Node) (string, error) {
	proxy := node.Process(cluster.KubeProxy)
	if proxy == nil {
		return "", fmt.Errorf("looking at the files of %s: it is off", node.Name)
	}
	return fmt.Sprintf("/proc/%d/root", proxy.PID()), nil
}
