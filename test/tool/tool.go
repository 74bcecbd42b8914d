// Package tool finds the real programs that tests run: kustomize, kpt and our own function, built by the Makefile.
package tool

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Root returns the repository's root.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the test binary does not know its source files")
	}
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Path returns the path of a program: "registry-cache-fn", or a tool that test/tools pins. The test fails if it has not
// been built.
func Path(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Root(t), "bin", "tools", name)
	if name == "registry-cache-fn" {
		path = filepath.Join(Root(t), "bin", name)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s has not been built: run the tests with make test, which builds it", name)
	}
	return path
}

// Env returns the environment for a program that calls others of ours: our function and the tools are on PATH, and HOME
// is a folder of the test's own, so that no configuration of the user's changes what it does.
func Env(t testing.TB) []string {
	t.Helper()
	for _, name := range []string{"registry-cache-fn", "kustomize", "kpt"} {
		Path(t, name) // Go's test cache must notice when one that is only reached through PATH was built anew
	}
	root := Root(t)
	path := filepath.Join(root, "bin") + ":" + filepath.Join(root, "bin", "tools") + ":" + os.Getenv("PATH")
	return append(os.Environ(), "PATH="+path, "HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1")
}
