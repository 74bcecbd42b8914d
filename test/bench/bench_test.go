// Package bench measures what users wait for: the function's process, and kustomize with it.
package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/registry-cache/registry-cache/test/tool"
)

// configWith returns a RegistryConfig with so many caches, annotated for kustomize.
func configWith(caches int, function string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: registry.extensions.gardener.cloud/v1alpha3\nkind: RegistryConfig\nmetadata:\n  name: caches\n"+
		"  annotations:\n    config.kubernetes.io/function: |\n      exec:\n        path: %s\ncaches:\n", function)
	for i := range caches {
		fmt.Fprintf(&b, "- upstream: registry-%d.example.io\n  volume:\n    size: 20Gi\n", i)
	}
	return b.String()
}

// BenchmarkProcess measures one run of the function from its start to its end, as kustomize and kpt run it, and the
// memory it takes at most.
func BenchmarkProcess(b *testing.B) {
	for _, caches := range []int{1, 10, 50} {
		b.Run(fmt.Sprint(caches), func(b *testing.B) {
			list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nfunctionConfig:\n  " +
				strings.ReplaceAll(strings.TrimSpace(configWith(caches, "registry-cache-fn")), "\n", "\n  ") + "\n"
			var most int64
			for b.Loop() {
				cmd := exec.Command(tool.Path(b, "registry-cache-fn"))
				cmd.Stdin = strings.NewReader(list)
				run(b, cmd)
				if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
					most = max(most, usage.Maxrss)
				}
			}
			b.ReportMetric(float64(most)/1024, "MiB-max")
		})
	}
}

// BenchmarkKustomize compares kustomize with the function to its floor, a function that only prints ready output, and to
// the build of the rendered manifests without a function.
func BenchmarkKustomize(b *testing.B) {
	for _, caches := range []int{1, 10, 50} {
		for _, way := range []string{"function", "floor", "rendered"} {
			b.Run(fmt.Sprintf("%s/%d", way, caches), func(b *testing.B) {
				dir := prepare(b, way, caches)
				for b.Loop() {
					cmd := exec.Command(tool.Path(b, "kustomize"), "build", "--enable-alpha-plugins", "--enable-exec", dir)
					cmd.Env = tool.Env(b)
					if out := run(b, cmd); strings.Count(out, "kind: StatefulSet\n") != caches {
						b.Fatalf("want %d caches, got:\n%s", caches, out)
					}
				}
			})
		}
	}
}

// prepare makes a kustomization that comes to its caches in one of the ways.
func prepare(b *testing.B, way string, caches int) (dir string) {
	b.Helper()
	dir = b.TempDir()
	function := "registry-cache-fn"
	if way == "floor" {
		function = filepath.Join(dir, "floor")
	}
	write(b, dir, "caches.yaml", configWith(caches, function), 0o600)
	write(b, dir, "kustomization.yaml", "generators:\n- caches.yaml\n", 0o600)
	switch way {
	case "rendered":
		run(b, exec.Command(tool.Path(b, "registry-cache-fn"), filepath.Join(dir, "caches.yaml"), "-o", filepath.Join(dir, "rendered")))
		write(b, dir, "kustomization.yaml", "resources:\n- rendered\n", 0o600)
	case "floor":
		cmd := exec.Command(tool.Path(b, "registry-cache-fn"))
		cmd.Stdin = strings.NewReader("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nfunctionConfig:\n  " +
			strings.ReplaceAll(strings.TrimSpace(configWith(caches, function)), "\n", "\n  ") + "\n")
		write(b, dir, "ready.yaml", run(b, cmd), 0o600)
		write(b, dir, "floor", "#!/bin/sh\nexec cat "+filepath.Join(dir, "ready.yaml")+"\n", 0o700)
	}
	return dir
}

func run(b *testing.B, cmd *exec.Cmd) string {
	b.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		b.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	return stdout.String()
}

func write(b *testing.B, dir, name, text string, mode os.FileMode) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
		b.Fatal(err)
	}
}
