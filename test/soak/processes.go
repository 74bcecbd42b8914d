package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/livecluster"
)

// guardScript is in the command line of a guard and of all shells that it forks.
const guardScript = "configure-containerd-registries.sh"

// guards returns the memory of all processes of the guard on a node in bytes, and how many there are. They are in the node's
// network.
func guards(node *machine) (memory, count float64, err error) {
	processes, err := procfs.AllProcs()
	if err != nil {
		return 0, 0, fmt.Errorf("listing processes: %w", err)
	}
	network, err := os.Readlink(node.Namespace().Path())
	if err != nil {
		return 0, 0, fmt.Errorf("looking at the network of %s: %w", node.Name, err)
	}
	for _, process := range processes {
		line, err := process.CmdLine()
		if err != nil || !strings.Contains(strings.Join(line, " "), guardScript) {
			continue // it has ended, or is none
		}
		if its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", process.PID)); err != nil || its != network {
			continue
		}
		status, err := process.NewStatus()
		if err != nil {
			continue
		}
		memory += float64(status.VmRSS)
		count++
	}
	return memory, count, nil
}

// memoryOf returns the memory of a program of a node in bytes; what the cluster has started is nsenter, whose child it is.
func memoryOf(node *machine, program string) (float64, error) {
	process := node.Process(program)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", process.PID(), process.PID()))
	if err != nil {
		return 0, fmt.Errorf("looking for %s of %s: %w", program, node.Name, err)
	}
	var pid int
	if _, err := fmt.Sscan(string(children), &pid); err != nil {
		return 0, fmt.Errorf("looking for %s of %s: %w", program, node.Name, err)
	}
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return 0, fmt.Errorf("looking at %s of %s: %w", program, node.Name, err)
	}
	status, err := proc.NewStatus()
	return float64(status.VmRSS), err
}

// sampleNode looks at the processes and files of a node.
func sampleNode(node *machine, add func(series string, value float64)) error {
	memory, count, err := guards(node)
	if err != nil {
		return err
	}
	add("guard of "+node.Name+", MiB", memory/mib)
	add("guard of "+node.Name+", processes", count)
	if node.up.TryRLock() { // else containerd starts right now
		memory, err = memoryOf(node, cluster.Containerd)
		node.up.RUnlock()
		if err != nil {
			return err
		}
		add("containerd of "+node.Name+", MiB", memory/mib)
	}
	for _, dir := range []string{certsDir, stateDir} {
		count, err := countBelow(node, dir)
		if err != nil {
			return err
		}
		add("files in "+dir+" of "+node.Name, count)
	}
	return nil
}

const (
	certsDir = "/etc/containerd/certs.d"
	stateDir = "/run/registry-cache"
)

// countBelow counts the files and folders below a folder of a node.
func countBelow(node *machine, dir string) (count float64, err error) {
	err = walk(node, dir, func(string, fs.DirEntry) { count++ })
	return count, err
}

// walk calls f with the path on a node of everything below a folder; what goes meanwhile is left out.
func walk(node *machine, dir string, f func(path string, entry fs.DirEntry)) error {
	view, err := livecluster.View(node.Node)
	if err != nil {
		return err
	}
	return filepath.WalkDir(view+dir, func(path string, entry fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil && path != view+dir {
			f(strings.TrimPrefix(path, view), entry)
		}
		return err
	})
}

// sampleVolume looks at the volume of a cache.
func (s *soak) sampleVolume(upstream string, add func(series string, value float64)) error {
	node, dir := s.nodeOf(upstream), s.cluster.VolumeDir(volumeOf(upstream))
	count, err := countBelow(node, dir)
	if err != nil {
		return err
	}
	view, err := livecluster.View(node.Node)
	if err != nil {
		return err
	}
	var volume unix.Statfs_t
	if err := unix.Statfs(view+dir, &volume); err != nil {
		return fmt.Errorf("measuring a volume: %w", err)
	}
	add(volumeFiles+upstream, count)
	add(volumeUsed(upstream), 100*(1-float64(volume.Bavail)/float64(volume.Blocks)))
	return nil
}

func volumeUsed(upstream string) string { return "volume of " + upstream + ", % used" }
