package golden

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

// renderPrivate renders a cache of docker.io with credentials. Without a password there is no Secret among the items.
func renderPrivate(t *testing.T, platform, registry, password string) (pipeline.Output, error) {
	t.Helper()
	config, err := input.Parse(fmt.Appendf(nil, `{"apiVersion": "functions.registry.extensions.gardener.cloud/v1alpha1",
		"kind": "RegistryCaches", "metadata": {"name": "caches"}, "platform": %q, "registry": %q, "registryConfig": {
		"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "kind": "RegistryConfig",
		"caches": [{"upstream": "docker.io", "secretReferenceName": "hub", "http": {"tls": false}}]}}`, platform, registry))
	if err != nil {
		t.Fatal(err)
	}
	if password == "" {
		return pipeline.Render(config, nil)
	}
	return pipeline.Render(config, []manifest.Object{{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "hub", "namespace": "registry-cache"},
		"immutable": true, "data": map[string]any{"username": encode("reader"), "password": encode(password)},
	}})
}

func mustRenderPrivate(t *testing.T, platform, registry, password string) map[string]manifest.Object {
	t.Helper()
	out, err := renderPrivate(t, platform, registry, password)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]manifest.Object{}
	for _, o := range out.Objects {
		objects[o.ID().String()] = o
	}
	return objects
}

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// mounted returns the name of the Secret that a folder of the cache's container comes from, "" if none is mounted there.
func mounted(objects map[string]manifest.Object, folder string) string {
	for id, o := range objects {
		if !strings.HasPrefix(id, "StatefulSet ") {
			continue
		}
		pod := manifest.Map(o, "spec", "template", "spec")
		mounts, _ := manifest.Named(pod["containers"], "registry-cache")["volumeMounts"].([]any)
		for _, m := range mounts {
			mount, _ := m.(map[string]any)
			if name, _ := mount["name"].(string); mount["mountPath"] == folder {
				return manifest.Text(manifest.Named(pod["volumes"], name), "secret", "secretName")
			}
		}
	}
	return ""
}

// holders returns the identities of the objects that have a text somewhere, plain or in base64 at the head of a value or
// inside one.
func holders(t *testing.T, objects map[string]manifest.Object, text string) (ids []string) {
	t.Helper()
	for id, o := range objects {
		all, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		seen := string(all)
		for _, value := range manifest.Map(o, "data") {
			encoded, _ := value.(string)
			decoded, _ := base64.StdEncoding.DecodeString(encoded)
			seen += string(decoded)
		}
		if strings.Contains(seen, text) {
			ids = append(ids, id)
		}
	}
	return ids
}

// TestWhereCredentialsGo: on either platform, for either program, exactly one object has them, and the pod gets at it. With
// our program nothing of them is in config.yml or in the environment.
func TestWhereCredentialsGo(t *testing.T) {
	for _, c := range []struct {
		platform, registry, mounts string
		holds                      func(map[string]manifest.Object) []string
	}{
		{"standalone", "registry-cache", "hub", func(map[string]manifest.Object) []string { return nil }}, // it is the user's own Secret
		{"shoot", "registry-cache", "registry-docker-io-credentials", func(map[string]manifest.Object) []string {
			return []string{"Secret kube-system/registry-docker-io-credentials"}
		}},
		{"standalone", "distribution", "", func(map[string]manifest.Object) []string {
			return []string{"Secret registry-cache/registry-docker-io-config"}
		}},
		{"shoot", "distribution", "", func(objects map[string]manifest.Object) []string {
			return []string{"Secret kube-system/" + mounted(objects, "/etc/distribution")}
		}},
	} {
		t.Run(c.platform+" "+c.registry, func(t *testing.T) {
			objects := mustRenderPrivate(t, c.platform, c.registry, password)
			if got := mounted(objects, "/etc/distribution/credentials"); got != c.mounts {
				t.Errorf("the credentials are mounted from %q, want %q", got, c.mounts)
			}
			if diff := cmp.Diff(c.holds(objects), holders(t, objects, password)); diff != "" {
				t.Errorf("other objects have the password (-want +got):\n%s", diff)
			}
			if config := mounted(objects, "/etc/distribution"); config == "" {
				t.Error("config.yml must be mounted")
			}
		})
	}
}

// TestDefaultImages: each program has an image of its own, and the image of the user goes before both.
func TestDefaultImages(t *testing.T) {
	images := map[string]string{}
	for _, registry := range []string{"", "registry-cache", "distribution"} {
		for id, o := range mustRenderPrivate(t, "shoot", registry, password) {
			if strings.HasPrefix(id, "StatefulSet ") {
				images[registry], _ = manifest.Named(manifest.Map(o, "spec", "template", "spec")["containers"], "registry-cache")["image"].(string)
			}
		}
	}
	if images[""] != images["registry-cache"] || !strings.Contains(images[""], "/registry-cache:") {
		t.Errorf("the default must be our own program, got %v", images)
	}
	if !strings.Contains(images["distribution"], "/registry:3.1.1@sha256:") {
		t.Errorf("distribution must be pinned by its digest, got %v", images)
	}
}

// TestRotation: with our program other credentials on a shoot change the Secret with them and nothing else, so that no pod
// restarts; with distribution they are another config.yml and another pod template.
func TestRotation(t *testing.T) {
	changed := func(registry string) (ids []string) {
		before := mustRenderPrivate(t, "shoot", registry, "old")
		after := mustRenderPrivate(t, "shoot", registry, "new")
		for id := range after {
			if !cmp.Equal(before[id], after[id]) {
				ids = append(ids, id)
			}
		}
		return ids
	}
	if diff := cmp.Diff([]string{"Secret kube-system/registry-docker-io-credentials"}, changed("registry-cache")); diff != "" {
		t.Errorf("a rotation must change the Secret alone (-want +got):\n%s", diff)
	}
	if ids := strings.Join(changed("distribution"), "\n"); !strings.Contains(ids, "StatefulSet kube-system/registry-docker-io") {
		t.Errorf("with distribution a rotation must change the pod template, got %q", ids)
	}
	secret := mustRenderPrivate(t, "shoot", "registry-cache", "old")["Secret kube-system/registry-docker-io-credentials"]
	if _, immutable := secret["immutable"]; immutable || len(manifest.Map(secret, "data")) != 2 {
		t.Errorf("the Secret must be mutable and have two entries, got immutable: %t, %d entries", immutable, len(manifest.Map(secret, "data")))
	}
}

// TestCredentialsNotAmongTheItems: only what mounts the user's own Secret can do without it, and says so.
func TestCredentialsNotAmongTheItems(t *testing.T) {
	for _, platform := range []string{"standalone", "shoot"} {
		for _, registry := range []string{"registry-cache", "distribution"} {
			out, err := renderPrivate(t, platform, registry, "")
			found, _ := fault.FromError(err)
			if platform == "standalone" && registry == "registry-cache" {
				if err != nil || len(out.Remarks) != 1 || out.Remarks[0].Severity != fault.Info || out.Remarks[0].Field != "registryConfig.caches[0].secretReferenceName" {
					t.Errorf("%s, %s: want one info, got %+v and %v", platform, registry, out.Remarks, err)
				}
			} else if len(found) != 1 || found[0].Severity != fault.Error || found[0].Cause != fault.Secret {
				t.Errorf("%s, %s: want the fault of a missing Secret, got %v", platform, registry, err)
			}
		}
	}
}
