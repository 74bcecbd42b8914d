package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// folderPrefix begins the names of clusters' folders and control groups. The id of their process follows, so that somebody else
// can tell whether they are still needed.
const folderPrefix = "registry-cache-cluster-"

// TempDir makes a temporary folder that [Sweep] removes if this process is killed before it does so itself.
func TempDir() (string, error) {
	return os.MkdirTemp("", fmt.Sprintf("%s%d-", folderPrefix, os.Getpid()))
}

var owner = regexp.MustCompile("^" + folderPrefix + `(\d+)-`)

// Sweep removes what was left by processes that were killed, which is nothing but folders and empty control groups: all else
// dies with the process. A cluster with nodes does so when it starts.
func Sweep() error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	var failed []error
	for _, root := range append(roots, os.TempDir()) {
		paths, err := filepath.Glob(filepath.Join(root, folderPrefix+"*"))
		if err != nil {
			return err
		}
		for _, path := range paths {
			switch {
			case alive(filepath.Base(path)):
			case root == os.TempDir():
				containers, err := containerGroups(filepath.Join(path, "*"))
				failed = append(failed, err, removeCgroups(roots, containers), os.RemoveAll(path))
			default:
				failed = append(failed, removeCgroup(path))
			}
		}
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("removing what a killed run left: %w", err)
	}
	return nil
}

// alive tells whether the process lives that made something. What does not say whose it is, is not ours to remove.
func alive(name string) bool {
	match := owner.FindStringSubmatch(name)
	if match == nil {
		return true
	}
	pid, err := strconv.Atoi(match[1])
	if err != nil {
		return true
	}
	_, err = os.Stat(fmt.Sprintf("/proc/%d", pid))
	return err == nil
}
