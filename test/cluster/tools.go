package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// The programs of a cluster, as they are called below bin/tools and in [Cluster.Logs].
const (
	// Etcd is the API server's database.
	Etcd = "etcd"
	// APIServer is the kube-apiserver.
	APIServer = "kube-apiserver"
	// ControllerManager is the kube-controller-manager.
	ControllerManager = "kube-controller-manager"
	// Scheduler is the kube-scheduler, of clusters with nodes.
	Scheduler = "kube-scheduler"
	// ResourceManager is the gardener-resource-manager, which applies ManagedResources.
	ResourceManager = "gardener-resource-manager"
)

// toolPath returns the path of a program that make built into bin/tools, or an error that says how to build it.
func toolPath(name string) (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("finding the repository: the test binary does not know its source files")
	}
	path := filepath.Join(filepath.Dir(file), "..", "..", "bin", "tools", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s has not been built: run make bin/tools/%s: %w", name, name, err)
	}
	return path, nil
}

// toolPaths returns the paths of several programs by their names. The error names all that are missing.
func toolPaths(names ...string) (map[string]string, error) {
	paths := map[string]string{}
	var missing []error
	for _, name := range names {
		path, err := toolPath(name)
		paths[name] = path
		missing = append(missing, err)
	}
	return paths, errors.Join(missing...)
}
