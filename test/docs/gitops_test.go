// Package docs runs what the documentation says.
package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/test/tool"
)

// gitops is docs/gitops.md, taken apart.
type gitops struct {
	yaml, shell []string
}

var fence = regexp.MustCompile("(?ms)^ *```(yaml|sh)\n(.*?)^ *```$")

func readGitops(t *testing.T) gitops {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tool.Root(t), "docs", "gitops.md"))
	if err != nil {
		t.Fatal(err)
	}
	var doc gitops
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		if block[1] == "yaml" {
			doc.yaml = append(doc.yaml, block[2])
		} else {
			doc.shell = append(doc.shell, block[2])
		}
	}
	if len(doc.yaml) != 7 || len(doc.shell) != 5 {
		t.Fatalf("docs/gitops.md has %d yaml and %d sh blocks, this test knows 7 and 5", len(doc.yaml), len(doc.shell))
	}
	return doc
}

// repository is a git repository with the document's caches.yaml.
type repository struct {
	*testing.T
	dir string
	env []string
}

func newRepository(t *testing.T, doc gitops) repository {
	t.Helper()
	r := repository{T: t, dir: t.TempDir(), env: append(tool.Env(t),
		"GIT_AUTHOR_NAME=ci", "GIT_AUTHOR_EMAIL=ci@example.com", "GIT_COMMITTER_NAME=ci", "GIT_COMMITTER_EMAIL=ci@example.com")}
	r.write("caches.yaml", doc.yaml[0])
	r.mustRun("git init --quiet && git add -A && git commit --quiet -m config")
	return r
}

func (r repository) write(name, text string) {
	r.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
}

func (r repository) run(script string) (string, error) {
	r.Helper()
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r repository) mustRun(script string) string {
	r.Helper()
	out, err := r.run(script)
	if err != nil {
		r.Fatalf("%s\nfailed: %v\n%s", script, err, out)
	}
	return out
}

func TestCIRendersAndFindsWhatWasForgotten(t *testing.T) {
	doc := readGitops(t)
	r := newRepository(t, doc)
	if out, err := r.run(doc.shell[0]); err == nil {
		t.Errorf("CI must fail while rendered/ is not committed:\n%s", out)
	}
	r.mustRun("git commit --quiet -m rendered")
	r.mustRun(doc.shell[0])

	r.write("caches.yaml", strings.ReplaceAll(doc.yaml[0], "ghcr.io", "quay.io"))
	if out, err := r.run(doc.shell[0]); err == nil {
		t.Errorf("CI must fail when the config changed and rendered/ was not committed:\n%s", out)
	}
	files := r.mustRun("ls rendered")
	if strings.Contains(files, "ghcr") || !strings.Contains(files, "registry-quay-io") {
		t.Errorf("rendered/ must follow the config, got:\n%s", files)
	}
	before := r.mustRun("cat rendered/*/*.yaml")
	r.write("caches.yaml", strings.ReplaceAll(doc.yaml[0], "ghcr.io", "https://ghcr.io"))
	if out, err := r.run(doc.shell[0]); err == nil || !strings.Contains(out, "caches[1].upstream") {
		t.Errorf("CI must fail and name the field, got %v:\n%s", err, out)
	}
	if after := r.mustRun("cat rendered/*/*.yaml"); after != before {
		t.Error("rendered/ must stay as it was when the config is at fault")
	}
}

// TestRenderedNeedsNoPlugin: kustomize, which all three tools embed, takes the folder as it is.
func TestRenderedNeedsNoPlugin(t *testing.T) {
	doc := readGitops(t)
	r := newRepository(t, doc)
	_, _ = r.run(doc.shell[0])
	built := kinds(r.mustRun("kustomize build rendered"))
	printed := kinds(r.mustRun("registry-cache-fn caches.yaml"))
	if !slices.Equal(built, printed) || len(built) == 0 {
		t.Errorf("kustomize build of the folder gives %q, the function prints %q", built, printed)
	}
	r.write("kustomization.yaml", "resources:\n- rendered\nimages:\n- name: registry.example.com/registry-cache/registry-cache\n  newName: registry.internal/ours\n")
	if out := r.mustRun("kustomize build ."); !strings.Contains(out, "image: registry.internal/ours:v") {
		t.Errorf("a kustomization on top must be able to change what is rendered, got:\n%s", out)
	}
}

var kindLine = regexp.MustCompile(`(?m)^kind: .*$|^  name: .*$`)

func kinds(manifests string) []string {
	found := kindLine.FindAllString(manifests, -1)
	slices.Sort(found)
	return found
}

func TestToolsApplyTheRenderedFolder(t *testing.T) {
	doc := readGitops(t)
	for _, block := range doc.yaml[1:4] {
		var object struct {
			Kind string
			Spec struct {
				Path   string
				Source struct{ Path string }
				Git    struct{ Dir string }
			}
		}
		if err := yaml.Unmarshal([]byte(block), &object); err != nil {
			t.Fatal(err)
		}
		folder := object.Spec.Path + object.Spec.Source.Path + object.Spec.Git.Dir
		if filepath.Clean(folder) != "rendered" {
			t.Errorf("%s applies %q, want the folder that CI writes", object.Kind, folder)
		}
	}
}

// TestCredentials: our own program mounts the Secret, which need not be there; for distribution it must be, and readable.
func TestCredentials(t *testing.T) {
	doc := readGitops(t)
	r := newRepository(t, doc)
	r.write("private.yaml", "apiVersion: registry.extensions.gardener.cloud/v1alpha3\nkind: RegistryConfig\nmetadata:\n  name: private\n"+
		"caches:\n- upstream: quay.io\n  secretReferenceName: quay\n")
	if out := r.mustRun(doc.shell[1]); !strings.Contains(out, "[info]") || !strings.Contains(out, "taken from the cluster") {
		t.Errorf("the function must say where the Secret comes from, got:\n%s", out)
	}
	r.write("distribution.yaml", "apiVersion: functions.registry.extensions.gardener.cloud/v1alpha1\nkind: RegistryCaches\nmetadata:\n  name: private\n"+
		"registry: distribution\nregistryConfig:\n  apiVersion: registry.extensions.gardener.cloud/v1alpha3\n  kind: RegistryConfig\n"+
		"  caches:\n  - upstream: quay.io\n    secretReferenceName: quay\n")
	if out, err := r.run("touch credentials.yaml\n" + doc.shell[2]); err == nil || !strings.Contains(out, "not found among the items") {
		t.Errorf("a Secret that is missing must be refused, got %v:\n%s", err, out)
	}
	secret := "apiVersion: v1\nkind: Secret\nmetadata:\n  name: quay\nstringData:\n  username: robot\n  password: "
	r.write("credentials.yaml", secret+"hidden\n")
	r.mustRun(doc.shell[2])
	r.write("credentials.yaml", secret+"ENC[AES256_GCM,data:hidden]\n")
	out, err := r.run(doc.shell[2])
	if err == nil || !strings.Contains(out, "still encrypted") || strings.Contains(out, "hidden") {
		t.Errorf("an encrypted Secret must be refused, and not shown, got %v:\n%s", err, out)
	}
}

// TestVolumesSurvivePruning: no claim is among the manifests, claims are retained, and the Namespace is not pruned.
func TestVolumesSurvivePruning(t *testing.T) {
	r := newRepository(t, readGitops(t))
	out := r.mustRun("registry-cache-fn caches.yaml")
	for _, want := range []string{
		"whenDeleted: Retain", "whenScaled: Retain", "kustomize.toolkit.fluxcd.io/prune: disabled",
		"argocd.argoproj.io/sync-options: Prune=false", "client.lifecycle.config.k8s.io/deletion: detach",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the manifests must have %q", want)
		}
	}
	if strings.Contains(out, "kind: PersistentVolumeClaim\n") {
		t.Error("a claim among the manifests would be pruned with its cache")
	}
}

// TestCertificates: the function asks cert-manager for a certificate for each cache, and the Component for that of docker.io, whose
// address is said once.
func TestCertificates(t *testing.T) {
	doc := readGitops(t)
	r := newRepository(t, doc)
	r.write("tls.yaml", doc.yaml[4])
	r.mustRun(doc.shell[3])
	r.mustRun("mkdir address")
	r.write("kustomization.yaml", doc.yaml[5])
	r.write("address/kustomization.yaml", doc.yaml[6])
	for _, folder := range []string{"bases", "overlays", "scripts"} {
		if err := os.CopyFS(filepath.Join(r.dir, "registry-cache", folder), os.DirFS(filepath.Join(tool.Root(t), folder))); err != nil {
			t.Fatal(err)
		}
	}
	for command, addresses := range map[string][]string{
		"kustomize build rendered-tls": {"10.96.0.50", "10.96.0.51"},
		"kustomize build .":            {"10.96.0.50"},
	} {
		out := r.mustRun(command)
		for _, address := range addresses {
			if !strings.Contains(out, "  ipAddresses:\n  - "+address+"\n") || !strings.Contains(out, "  clusterIP: "+address+"\n") {
				t.Errorf("%s must print a Service and a Certificate with the address %s, got:\n%s", command, address, out)
			}
		}
		if got := strings.Count(out, "kind: Certificate\n"); got != len(addresses)+1 {
			t.Errorf("%s must print a Certificate for each cache and one for the authority, got %d", command, got)
		}
	}
}

// TestExistingClaimsAreCompared plays kubectl with what an earlier render would have put into the cluster.
func TestExistingClaimsAreCompared(t *testing.T) {
	doc := readGitops(t)
	r := newRepository(t, doc)
	r.mustRun("registry-cache-fn caches.yaml -o rendered && mkdir bin && { echo 'apiVersion: v1'; echo 'kind: List'; echo 'items:'; " +
		"for f in rendered/*/statefulset.yaml; do sed -e '1s/^/- /' -e '2,$s/^/  /' $f; done; } > list.yaml")
	r.mustRun("printf '#!/bin/sh\\ncat list.yaml\\n' > bin/kubectl && chmod +x bin/kubectl")
	script := "PATH=$PWD/bin:$PATH\n" + doc.shell[4]
	r.mustRun(script)
	r.write("caches.yaml", doc.yaml[0]+"  volume:\n    size: 99Gi\n")
	out, err := r.run(script)
	if err == nil || !strings.Contains(out, `the config for "ghcr.io" asks for 99Gi`) || strings.Contains(out, "docker.io") {
		t.Errorf("the claim of ghcr.io must be refused, and only that, got %v:\n%s", err, out)
	}
}
