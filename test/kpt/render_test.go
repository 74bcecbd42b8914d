package kpt

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/names"
	"github.com/registry-cache/registry-cache/test/tool"
)

const config = "registryconfig.yaml"

// The folders of the node configurators of two configs.
const (
	nodes     = "registry-cache-node-configurator-caches"
	moreNodes = "registry-cache-node-configurator-more"
)

// argument is the line of a node configurator for an upstream.
func argument(upstream string) string {
	server := names.RemoteURL(upstream)
	return "        - " + upstream + ",http://" + names.Object(upstream) + ":5000," + server + "\n"
}

// threeCaches returns the package with more caches.
func threeCaches(t *testing.T) files {
	t.Helper()
	p := thePackage(t)
	p[config] += "- upstream: quay.io\n- upstream: ghcr.io\n"
	return p
}

// withMutator returns a package in whose pipeline another function comes after ours.
func withMutator(t *testing.T, p files) files {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p = maps.Clone(p)
	p["Kptfile"] += "  - exec: " + binary + " set-namespace moved\n"
	return p
}

// variants are the package alone, and with a mutator after ours that moves what we made.
func variants(t *testing.T) map[string]files {
	t.Helper()
	return map[string]files{"alone": threeCaches(t), "with a mutator": withMutator(t, threeCaches(t))}
}

// TestMutatorMoves guards that the tests with a mutator mean something.
func TestMutatorMoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := withMutator(t, thePackage(t))
	p.write(t, dir)
	render(t, dir)
	for name, text := range snapshot(t, dir).without(p) {
		moved := strings.Contains(text, "\n  namespace: moved\n") || name == "registry-cache/namespace.yaml" &&
			strings.Contains(text, "\n  name: moved\n")
		if !moved || strings.Contains(text, "namespace: registry-cache") {
			t.Errorf("%s must have been moved, got:\n%s", name, text)
		}
	}
}

// TestRenderTwice: rendered again nothing changes.
func TestRenderTwice(t *testing.T) {
	for name, p := range variants(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p.write(t, dir)
			render(t, dir)
			once := snapshot(t, dir)
			checkFolders(t, once, "registry-cache", nodes, "registry-docker-io", "registry-ghcr-io", "registry-quay-io")
			render(t, dir)
			checkSame(t, "the second render must change nothing", once, snapshot(t, dir))
		})
	}
}

// TestUpstreamTakenOut: a cache taken out of the config loses its files, and the others keep theirs.
func TestUpstreamTakenOut(t *testing.T) {
	for name, p := range variants(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p.write(t, dir)
			render(t, dir)
			want := snapshot(t, dir)
			checkFolders(t, want, "registry-cache", nodes, "registry-docker-io", "registry-ghcr-io", "registry-quay-io")
			want = want.without(want.below("registry-quay-io")).replace(t, config, "- upstream: quay.io\n", "").
				replace(t, nodes+"/daemonset.yaml", argument("quay.io"), "")

			p.replace(t, config, "- upstream: quay.io\n", "").write(t, dir)
			render(t, dir)
			checkSame(t, "only the files of quay.io must be gone", want, snapshot(t, dir))
		})
	}
}

// TestTwoConfigs: two configs in one package leave each other alone.
func TestTwoConfigs(t *testing.T) {
	t.Parallel()
	p := thePackage(t)
	p["more.yaml"] = strings.Replace(p[config], "name: caches", "name: more", 1)
	p = p.replace(t, "more.yaml", "- upstream: docker.io\n", "- upstream: quay.io\n- upstream: ghcr.io\n")
	p["Kptfile"] += "  - exec: registry-cache-fn\n    configPath: more.yaml\n"
	dir := t.TempDir()
	p.write(t, dir)
	render(t, dir)
	both := snapshot(t, dir)
	checkFolders(t, both, "registry-cache", nodes, moreNodes, "registry-docker-io", "registry-ghcr-io", "registry-quay-io")
	render(t, dir)
	checkSame(t, "the second render must change nothing", both, snapshot(t, dir))

	// Of the config that comes last, and then of that which comes first and also made what all caches share.
	p = p.replace(t, "more.yaml", "- upstream: ghcr.io\n", "")
	p.write(t, dir)
	render(t, dir)
	want := both.without(both.below("registry-ghcr-io")).replace(t, "more.yaml", "- upstream: ghcr.io\n", "").
		replace(t, moreNodes+"/daemonset.yaml", argument("ghcr.io"), "")
	checkSame(t, "only the files of ghcr.io must be gone", want, snapshot(t, dir))

	p = p.replace(t, config, "- upstream: docker.io\n", "- upstream: registry.k8s.io\n")
	p.write(t, dir)
	render(t, dir)
	got := snapshot(t, dir)
	want = want.without(want.below("registry-docker-io")).replace(t, config, "- upstream: docker.io\n", "- upstream: registry.k8s.io\n").
		replace(t, nodes+"/daemonset.yaml", argument("docker.io"), argument("registry.k8s.io"))
	checkFolders(t, got, "registry-cache", nodes, moreNodes, "registry-quay-io", "registry-registry-k8s-io")
	checkSame(t, "the other config's files must stay", want, got.without(got.below("registry-registry-k8s-io")))
}

// checkFolders: these are the folders with files that were generated.
func checkFolders(t *testing.T, got files, want ...string) {
	t.Helper()
	found := map[string]bool{}
	for name := range got {
		if folder, _, nested := strings.Cut(name, "/"); nested {
			found[folder] = true
		}
	}
	if folders := slices.Sorted(maps.Keys(found)); !slices.Equal(want, folders) {
		t.Errorf("want the folders %q, got %q", want, folders)
	}
}

// inputs are files of a user with everything that a careless tool loses.
func inputs(t *testing.T) files {
	t.Helper()
	p := thePackage(t)
	p[config] = `# A comment before everything.
apiVersion: registry.extensions.gardener.cloud/v1alpha3
kind: RegistryConfig
metadata:
  name: caches # and one behind
  annotations: {config.kubernetes.io/local-config: "true"}
caches:
# the hub
- upstream: "docker.io" # quoted
  secretReferenceName: hub
`
	p["secrets/hub.yaml"] = `apiVersion: v1
kind: Secret
metadata:
  name: hub
  annotations:
    config.kubernetes.io/local-config: "true"
stringData: {username: reader, password: 's3cr3t-pa55word'} # rotated in May
---
# A second document.
apiVersion: v1
kind: ConfigMap
metadata:
  name: mine
data:
  text: |
    two
    lines
`
	p["registry-docker-io/notes.txt"] = "a file of the user among ours\n"
	p["registry-docker-io/mine.yaml"] = `apiVersion: v1
kind: ConfigMap
metadata:
  name: among-yours # stays
`
	return p
}

// TestInputsStay: the user's files stay as they are, byte for byte, also those that lie among ours.
func TestInputsStay(t *testing.T) {
	t.Parallel()
	p, dir := inputs(t), t.TempDir()
	p.write(t, dir)
	for range 2 {
		render(t, dir)
		got := snapshot(t, dir)
		checkSame(t, "the user's files must stay", p, got.without(got.without(p)))
		if names := got.without(p).names(); !slices.Contains(names, "registry-docker-io/statefulset.yaml") {
			t.Fatalf("files must have been generated, got %q", names)
		}
	}
}

// TestCommentAtTheEnd pins a nuisance of kpt and its YAML library: a comment behind the last entry of a list is doubled,
// with another indentation, by any function that is written with kyaml. It must not grow.
func TestCommentAtTheEnd(t *testing.T) {
	t.Parallel()
	p, dir := thePackage(t), t.TempDir()
	p[config] += "# - upstream: quay.io\n"
	p.write(t, dir)
	for range 3 {
		render(t, dir)
		if got := snapshot(t, dir)[config]; strings.Count(got, "# - upstream: quay.io\n") != 2 {
			t.Errorf("the comment used to be there twice, got:\n%s", got)
		}
	}
}

// TestRefused: a config that is at fault changes no file; kpt shows every fault and nothing of a Secret.
func TestRefused(t *testing.T) {
	t.Parallel()
	p, dir := inputs(t), t.TempDir()
	p.write(t, dir)
	render(t, dir)
	p[config] += "- upstream: https://quay.io\n- upstream: ghcr.io\n  size: 1Gi\n"
	p.write(t, dir)
	before := snapshot(t, dir)

	got := run(t, dir, tool.Path(t, "kpt"), "fn", "render", "--allow-exec")
	checkSame(t, "no file must change", before, snapshot(t, dir))
	if got.code != 1 {
		t.Errorf("got exit code %d, want 1", got.code)
	}
	for _, field := range []string{"caches[1].upstream", "caches[2].size", config} {
		if !strings.Contains(got.stderr, field) {
			t.Errorf("kpt must show %s, got:\n%s", field, got.stderr)
		}
	}
	if strings.Contains(got.stdout+got.stderr, "s3cr3t-pa55word") {
		t.Error("nothing of a Secret must be shown")
	}
}

// TestWithoutAllowExec: unlike kustomize, kpt refuses to go on without the function.
func TestWithoutAllowExec(t *testing.T) {
	t.Parallel()
	p, dir := thePackage(t), filepath.Join(t.TempDir(), "caches")
	p.write(t, dir)
	got := run(t, dir, tool.Path(t, "kpt"), "fn", "render")
	if got.code != 1 || !strings.Contains(got.stderr, "--allow-exec") {
		t.Errorf("kpt used to fail and to name the flag, got %+v", got)
	}
	checkSame(t, "no file must change", p, snapshot(t, dir))
}
