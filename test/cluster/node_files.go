package cluster

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// writeFiles writes what a machine has when it is delivered.
func (n *Node) writeFiles() error {
	fill := strings.NewReplacer("{{pauseImage}}", n.cluster.options.PauseImage, "{{pods}}", nodePods(n.number).String(),
		"{{dnsAddress}}", dnsAddress, "{{cgroup}}", n.cgroup())
	machineID := make([]byte, 16)
	_, _ = rand.Read(machineID) // never fails
	files := map[string]string{
		"boot.sh":                                string(bootScript),
		"root/etc/hostname":                      n.Name + "\n",
		"root/etc/machine-id":                    hex.EncodeToString(machineID) + "\n",
		"root/etc/hosts":                         hostsFile(),
		"root/etc/resolv.conf":                   "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
		"root/etc/ssl/certs/ca-certificates.crt": string(n.cluster.internet.CA()),
		"root/etc/containerd/config.toml":        containerdConfig,
		"root/etc/cni/net.d/10-pods.conflist":    cniConfig,
		"root/etc/kubernetes/kubelet.yaml":       kubeletConfig,
	}
	for name, content := range files {
		path := filepath.Join(n.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(fill.Replace(content)), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(
		n.cluster.writeKubeconfigOf("system:node:"+n.Name, n.Root()+"/etc/kubernetes/kubelet.kubeconfig"),
		n.cluster.writeKubeconfigOf(proxyUser, n.Root()+"/etc/kubernetes/kube-proxy.kubeconfig"),
	)
}

// cgroup is the name of the control groups that have the node's pods. It tells whose it is, for a later run to remove it if
// that process was killed.
func (n *Node) cgroup() string { return filepath.Base(n.cluster.dir) + "-" + n.Name }

const cgroups = "/sys/fs/cgroup"

// hierarchies are the roots of all hierarchies of control groups: one with version 2, one per controller with version 1.
func hierarchies() ([]string, error) {
	if _, err := os.Stat(cgroups + "/cgroup.controllers"); err == nil {
		return []string{cgroups}, nil
	}
	return filepath.Glob(cgroups + "/*")
}

// makeCgroups makes the node's control group in each hierarchy: kubelet wants it to exist.
func (n *Node) makeCgroups() error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := os.MkdirAll(filepath.Join(root, n.cgroup()), 0o755); err != nil {
			return fmt.Errorf("making a control group: %w", err)
		}
	}
	return inheritCPUs(n.cgroup())
}

// inheritCPUs gives a new group of the cpuset controller, version 1, what its parent has: it has nothing by itself, and then
// takes no process.
func inheritCPUs(group string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(cgroups, "cpuset", file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // version 2
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(cgroups, "cpuset", group, file), value, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// removeCgroups removes the groups of the node's pods, whose processes have been killed, and the node's own.
func (n *Node) removeCgroups() error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	containers, err := containerGroups(n.dir)
	if err != nil {
		return err
	}
	return removeCgroups(roots, append(containers, n.cgroup()))
}

func removeCgroups(roots, groups []string) error {
	for _, root := range roots {
		for _, group := range groups {
			if err := removeCgroup(filepath.Join(root, group)); err != nil {
				return fmt.Errorf("removing a control group: %w", err)
			}
		}
	}
	return nil
}

// containerGroups returns the control groups of the containers of all nodes with a folder below dir. Those of pods without a
// quality of service are not below the node's, and one that outlives a reboot holds the kubelet up for seconds: cadvisor takes
// it for a container that starts.
func containerGroups(dir string) (groups []string, err error) {
	tasks, err := filepath.Glob(filepath.Join(dir, "root/var/lib/containerd/io.containerd.runtime.v2.task/k8s.io/*"))
	for _, task := range tasks {
		groups = append(groups, filepath.Join("k8s.io", filepath.Base(task)))
	}
	return groups, err
}

// removeCgroup removes a group with those below it. The kernel takes a moment to let go of processes that were killed.
func removeCgroup(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeCgroup(filepath.Join(path, entry.Name())); err != nil {
				return err
			}
		}
	}
	for range 50 {
		if err = syscall.Rmdir(path); !errors.Is(err, syscall.EBUSY) {
			break
		}
		time.Sleep(interval)
	}
	return err
}
