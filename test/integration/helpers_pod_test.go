//go:build integration

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/rest"

	"github.com/registry-cache/registry-cache/test/cluster"
)

const (
	// podVariable makes this test binary another program that finds, where a pod has them, the token and the authority of
	// its ServiceAccount: in the folder that the variable names.
	podVariable = "INTEGRATION_TEST_POD"
	// tokenFolder is where client-go looks for them, and nowhere else.
	tokenFolder = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// startAsPod starts a program as in a pod with a ServiceAccount, for one that knows no other way to reach its cluster.
func (e *env) startAsPod(name, path string, account *rest.Config, args ...string) *cluster.Process {
	e.t.Helper()
	folder := e.t.TempDir()
	for file, text := range map[string][]byte{"token": []byte(account.BearerToken), "ca.crt": account.CAData} {
		e.must(os.WriteFile(filepath.Join(folder, file), text, 0o600))
	}
	host, port, found := strings.Cut(strings.TrimPrefix(account.Host, "https://"), ":")
	if !found {
		e.t.Fatalf("the API server's address %s has no port", account.Host)
	}
	env := []string{podVariable + "=" + folder, "KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port}
	process, err := e.StartProcess(name, os.Args[0], env, append([]string{path}, args...)...)
	e.must(err)
	e.t.Cleanup(func() { _ = process.Kill() })
	return process
}

// runAsPod runs the program that its arguments name, in a mount namespace of its own: nothing of what is mounted is seen
// outside, and all of it goes with the process. It returns only with an error.
func runAsPod(folder string) error {
	runtime.LockOSThread() // a mount namespace is that of a thread, until the program begins
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making a mount namespace, which needs root: %w", err)
	}
	run, err := filepath.EvalSymlinks("/var/run")
	if err != nil {
		return err
	}
	err = errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("tmpfs", run, "tmpfs", 0, "mode=755"),
		os.MkdirAll(tokenFolder, 0o755),
		unix.Mount(folder, tokenFolder, "", unix.MS_BIND, ""),
	)
	if err != nil {
		return fmt.Errorf("mounting the ServiceAccount's folder: %w", err)
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, podVariable+"=") })
	return unix.Exec(os.Args[1], os.Args[1:], env)
}
