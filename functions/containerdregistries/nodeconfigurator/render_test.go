package nodeconfigurator

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/functions/containerdregistries/guard"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

var docker = guard.Registry{Upstream: "docker.io", Endpoint: "http://registry-docker-io:5000", Server: "https://registry-1.docker.io"}

func render(t *testing.T, v Values) (daemonSet, configMap manifest.Object) {
	t.Helper()
	objects, err := Render(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.Kind() == "DaemonSet" {
			daemonSet = o
		} else {
			configMap = o
		}
	}
	return daemonSet, configMap
}

// TestNodesRunTheGuard: the ConfigMap holds the very script that Gardener's nodes get, and nothing else.
func TestNodesRunTheGuard(t *testing.T) {
	daemonSet, configMap := render(t, Values{Name: "n", Registries: []guard.Registry{docker}})
	script, err := guard.Script()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"configure-containerd-registries.sh": string(script)}, manifest.Map(configMap, "data")); diff != "" {
		t.Errorf("the ConfigMap differs (-want +got):\n%s", diff)
	}
	run := manifest.Named(manifest.Map(daemonSet, "spec", "template", "spec")["containers"], container)
	want := []any{"docker.io,http://registry-docker-io:5000,https://registry-1.docker.io"}
	if diff := cmp.Diff(want, run["args"]); diff != "" {
		t.Errorf("the arguments differ (-want +got):\n%s", diff)
	}
}

// TestLeastPrivileges: what the pod may do is what it needs.
func TestLeastPrivileges(t *testing.T) {
	daemonSet, _ := render(t, Values{Name: "n", Registries: []guard.Registry{docker}})
	pod := manifest.Map(daemonSet, "spec", "template", "spec")
	if pod["automountServiceAccountToken"] != false || pod["hostPID"] != nil || pod["hostIPC"] != nil || pod["priorityClassName"] != nil {
		t.Errorf("the pod must have no token and no more of the host than its network, got %v", pod)
	}
	want := map[string]any{
		"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}}, "readOnlyRootFilesystem": true,
		"runAsGroup": int64(0), "runAsUser": int64(0),
	}
	if diff := cmp.Diff(want, manifest.Map(manifest.Named(pod["containers"], container), "securityContext")); diff != "" {
		t.Errorf("the security context differs (-want +got):\n%s", diff)
	}
	writable := map[string]bool{"certs-d": true, "state": true}
	mounts, _ := manifest.Named(pod["containers"], container)["volumeMounts"].([]any)
	for _, entry := range mounts {
		mount, _ := entry.(map[string]any)
		if name, _ := mount["name"].(string); (mount["readOnly"] != true) != writable[name] {
			t.Errorf("only certs.d and the state may be written, got %v", mount)
		}
	}
}

// TestChangesRoll: pods start anew when anything changes that they run, and the names in the objects agree.
func TestChangesRoll(t *testing.T) {
	template := func(v Values) string {
		daemonSet, configMap := render(t, v)
		if manifest.Text(manifest.Named(manifest.Map(daemonSet, "spec", "template", "spec")["volumes"], volumeScripts), "configMap", "name") != configMap.Name() ||
			daemonSet.Name() != v.Name || manifest.Text(daemonSet, "spec", "selector", "matchLabels", "app") != v.Name {
			t.Errorf("all names must be %s", v.Name)
		}
		return strings.Join([]string{
			manifest.Text(daemonSet, "spec", "template", "metadata", "annotations", "functions.registry.extensions.gardener.cloud/scripts-hash"),
		}, " ")
	}
	base := Values{Name: "n", Registries: []guard.Registry{docker}}
	withCA, withMirror, otherMirror := base, base, base
	withCA.CABundle = []byte("pem")
	withMirror.Mirrors = []Mirror{{Upstream: "r.io:5000", Files: []File{{"hosts.toml", "a"}}}}
	otherMirror.Mirrors = []Mirror{{Upstream: "r.io:5000", Files: []File{{"hosts.toml", "b"}}}}
	seen := map[string]bool{}
	for _, v := range []Values{base, withCA, withMirror, otherMirror} {
		hash := template(v)
		if seen[hash] || hash == "" || hash != template(v) {
			t.Errorf("each content must have a hash of its own, got %q", hash)
		}
		seen[hash] = true
	}
}

// TestKeysOfMirrors: a ConfigMap's keys may have no colon, the folders of upstreams do.
func TestKeysOfMirrors(t *testing.T) {
	daemonSet, configMap := render(t, Values{Name: "n", Mirrors: []Mirror{
		{Upstream: "r.io:5000", Files: []File{{"hosts.toml", "one"}}}, {Upstream: "r.io-5000", Files: []File{{"hosts.toml", "two"}}},
	}})
	data := manifest.Map(configMap, "data")
	if data["mirror-0.hosts.toml"] != "one" || data["mirror-1.hosts.toml"] != "two" {
		t.Errorf("got %v", data)
	}
	volume := manifest.Named(manifest.Map(daemonSet, "spec", "template", "spec")["volumes"], volumeMirrors)
	want := map[string]any{"defaultMode": int64(0o444), "sources": []any{map[string]any{"configMap": map[string]any{"name": "n", "items": []any{
		map[string]any{"key": "mirror-0.hosts.toml", "path": "r.io:5000/hosts.toml"},
		map[string]any{"key": "mirror-1.hosts.toml", "path": "r.io-5000/hosts.toml"},
	}}}}}
	if diff := cmp.Diff(want, volume["projected"]); diff != "" {
		t.Errorf("the volume differs (-want +got):\n%s", diff)
	}
}

// TestHarmfulArguments: what is not a plain argument is a defect of whoever passed it on, and is not rendered.
func TestHarmfulArguments(t *testing.T) {
	bad := docker
	bad.Endpoint = "http://$(POD_IP):5000"
	if _, err := Render(Values{Name: "n", Registries: []guard.Registry{bad}}); err == nil {
		t.Error("a variable of Kubernetes must be refused")
	}
}
