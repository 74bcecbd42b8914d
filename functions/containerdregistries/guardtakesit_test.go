package containerdregistries_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// TestGuardTakesIt runs the script of the rendered ConfigMap with the rendered arguments, variables and files: what the
// function says is what the guard does.
func TestGuardTakesIt(t *testing.T) {
	server := httptest.NewServer(nil) // answers 404, which is an answer
	defer server.Close()
	config := strings.Replace(nodes, "platform: shoot", "platform: standalone", 1) + cache("a.io", server.URL) + cache("b.io", "http://127.0.0.1:1") +
		"- upstream: r.io:5000\n  server: https://r.io:5000\n  hosts:\n  - url: https://mirror.example/v2/x\n    overridePath: true\n    caBundleSecretName: one\n" +
		"  - url: http://other.example\n    capabilities: [pull, resolve]\n"
	secret := bundle(t, "one")
	objects, _, list, err := containerdregistries.Render(parse(t, config), []manifest.Object{secret})
	if err != nil || len(list) > 0 {
		t.Fatal(list, err)
	}
	dir := t.TempDir()
	runGuard(t, dir, objects)

	const marker = "# managed by registry-cache (configure-containerd-registries registry-cache-node-configurator-registries-nodes), do not edit\n"
	if got := read(t, dir, "certs.d/a.io/hosts.toml"); !strings.HasPrefix(got, marker) || !strings.Contains(got, "[host.\""+server.URL+"\"]") {
		t.Errorf("a.io must use its cache, got:\n%s", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "certs.d", "b.io")); err == nil {
		t.Error("b.io, whose cache does not answer, must stay as it is")
	}
	got := read(t, dir, "certs.d/r.io:5000/hosts.toml")
	ca, err := filepath.Glob(filepath.Join(dir, "certs.d", "r.io:5000", "registry-cache-ca-*.pem"))
	if err != nil || len(ca) != 1 || read(t, ca[0]) != manifest.Text(secret, "stringData", "bundle.crt") {
		t.Fatalf("the mirror must have its CA bundle, got %q, %v", ca, err)
	}
	want := marker + "server = \"https://r.io:5000\"\n\n[host.\"https://mirror.example/v2/x\"]\n  capabilities = [\"pull\"]\n" +
		"  ca = \"/etc/containerd/certs.d/r.io:5000/" + filepath.Base(ca[0]) + "\"\n  override_path = true\n" +
		"\n[host.\"http://other.example\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
	if got != want {
		t.Errorf("the mirror must be written as it is, want:\n%s\ngot:\n%s", want, got)
	}
}

// runGuard does what a kubelet would, with the node's folders elsewhere.
func runGuard(t *testing.T, dir string, objects []manifest.Object) {
	t.Helper()
	var daemonSet, configMap manifest.Object
	for _, o := range objects {
		if o.Kind() == "DaemonSet" {
			daemonSet = o
		} else {
			configMap = o
		}
	}
	pod := manifest.Map(daemonSet, "spec", "template", "spec")
	mount(t, filepath.Join(dir, "scripts"), manifest.Map(manifest.Named(pod["volumes"], "scripts"), "configMap"), configMap)
	sources, _ := manifest.Map(manifest.Named(pod["volumes"], "mirrors"), "projected")["sources"].([]any)
	for _, source := range sources {
		mount(t, filepath.Join(dir, "mirrors"), manifest.Map(source.(map[string]any), "configMap"), configMap)
	}
	args := []string{filepath.Join(dir, "scripts", "configure-containerd-registries.sh"), "--once"}
	given, _ := manifest.Named(pod["containers"], "guard")["args"].([]any)
	for _, arg := range given {
		args = append(args, arg.(string))
	}
	cmd := exec.Command("sh", args...)
	cmd.Env = append(os.Environ(), "OWNER="+daemonSet.Label("app"), "CERTS_DIR="+filepath.Join(dir, "certs.d"),
		"STATE_DIR="+filepath.Join(dir, "state"), "MIRRORS_DIR="+filepath.Join(dir, "mirrors"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the guard refused what was rendered: %v\n%s", err, out)
	}
}

func mount(t *testing.T, dir string, source map[string]any, configMap manifest.Object) {
	t.Helper()
	items, _ := source["items"].([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		path := filepath.Join(dir, manifest.Text(m, "path"))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(manifest.Text(configMap, "data", manifest.Text(m, "key"))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
