// Package kpt leads the package overlays/kpt, and a clone of the whole repository, through the real kpt.
package kpt

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/test/tool"
)

// result is how a program ended.
type result struct {
	stdout, stderr string
	code           int
}

// run runs a program in a folder.
func run(t *testing.T, dir, name string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, environment(t), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
}

// environment is that of all tools, without what git sets in a hook: it would lead git to another repository.
func environment(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(tool.Env(t), func(variable string) bool {
		return strings.HasPrefix(variable, "GIT_") && variable != "GIT_CONFIG_NOSYSTEM=1"
	})
}

// must runs a program that must succeed, and returns its stdout.
func must(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	r := run(t, dir, name, args...)
	if r.code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s", filepath.Base(name), strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// render runs kpt fn render, which must succeed.
func render(t *testing.T, dir string) {
	t.Helper()
	must(t, dir, tool.Path(t, "kpt"), "fn", "render", "--allow-exec")
}

// files are the files in a folder by their paths.
type files map[string]string

// snapshot reads all files below a folder; git's are left out.
func snapshot(t *testing.T, dir string) files {
	t.Helper()
	found := files{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		found[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// write puts files into a folder, which is made if it does not exist.
func (f files) write(t *testing.T, dir string) {
	t.Helper()
	for name, text := range f {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// without returns the files that are not in another set of files.
func (f files) without(others files) files {
	left := maps.Clone(f)
	maps.DeleteFunc(left, func(name, _ string) bool {
		_, ok := others[name]
		return ok
	})
	return left
}

// below returns the files in a folder.
func (f files) below(folder string) files {
	left := maps.Clone(f)
	maps.DeleteFunc(left, func(name, _ string) bool { return !strings.HasPrefix(name, folder+"/") })
	return left
}

func (f files) names() []string {
	return slices.Sorted(maps.Keys(f))
}

// checkSame compares two sets of files.
func checkSame(t *testing.T, what string, want, got files) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// thePackage returns the files of overlays/kpt.
func thePackage(t *testing.T) files {
	t.Helper()
	return snapshot(t, filepath.Join(tool.Root(t), "overlays", "kpt"))
}

// replace changes a file of a package that must hold the old text.
func (f files) replace(t *testing.T, name, old, new string) files {
	t.Helper()
	if !strings.Contains(f[name], old) {
		t.Fatalf("%s must hold %q", name, old)
	}
	changed := maps.Clone(f)
	changed[name] = strings.Replace(changed[name], old, new, 1)
	return changed
}
