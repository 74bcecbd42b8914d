package door

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/test/tree"
)

const (
	mark     = "RegistryConfig/caches"
	kind     = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata:\n  annotations:\n    functions.registry.extensions.gardener.cloud/generated-by: RegistryConfig/caches\nresources:\n"
	service  = "apiVersion: v1\nkind: Service\nmetadata:\n  annotations:\n    functions.registry.extensions.gardener.cloud/generated-by: RegistryConfig/caches\n  labels:\n    app: registry-a-io\n  name: registry-a-io\n"
	secret   = "apiVersion: v1\nkind: Secret\nmetadata:\n  annotations:\n    functions.registry.extensions.gardener.cloud/generated-by: RegistryConfig/caches\n  labels:\n    app: registry-a-io\n  name: registry-a-io-config-0123abcd\n"
	theirs   = "apiVersion: v1\nkind: Service\nmetadata:\n  name: theirs\n"
	kindBoth = kind + "- registry-a-io/secret-config.yaml\n- registry-a-io/service.yaml\n"
)

// writeCase is a folder before and after objects are written to it.
type writeCase struct {
	before  tree.Tree
	objects []manifest.Object
	after   tree.Tree // nil: as before
	err     []string
}

func writeCases(t *testing.T) map[string]writeCase {
	t.Helper()
	both := []manifest.Object{object(t, secret), object(t, service)}
	written := tree.Tree{
		"kustomization.yaml": kindBoth, "registry-a-io/secret-config.yaml": secret, "registry-a-io/service.yaml": service,
	}
	return map[string]writeCase{
		"empty folder":                  {objects: both, after: written},
		"written twice changes nothing": {before: written, objects: both, after: written},
		"an object that is gone loses its file": {
			before: written, objects: both[1:],
			after: tree.Tree{"kustomization.yaml": kind + "- registry-a-io/service.yaml\n", "registry-a-io/service.yaml": service},
		},
		"the last object of a folder takes the folder along": {
			before: written, objects: nil,
			after: tree.Tree{"kustomization.yaml": strings.TrimSuffix(kind, "resources:\n")},
		},
		"a file that is not listed stays": {
			before:  tree.Tree{"kustomization.yaml": kindBoth, "registry-a-io/secret-config.yaml": secret, "registry-a-io/notes.md": "mine"},
			objects: nil,
			after:   tree.Tree{"kustomization.yaml": strings.TrimSuffix(kind, "resources:\n"), "registry-a-io/notes.md": "mine"},
		},
		"a listed file with somebody else's content stays": {
			before:  tree.Tree{"kustomization.yaml": kindBoth, "registry-a-io/service.yaml": theirs},
			objects: both[:1],
			after: tree.Tree{
				"kustomization.yaml":               kind + "- registry-a-io/secret-config.yaml\n",
				"registry-a-io/secret-config.yaml": secret, "registry-a-io/service.yaml": theirs,
			},
		},
		"files left by a run that was interrupted are taken over": {
			before: tree.Tree{"registry-a-io/service.yaml": service}, objects: both, after: written,
		},
	}
}

// refusalCases are folders with something that is not ours.
func refusalCases(t *testing.T) map[string]writeCase {
	t.Helper()
	both := []manifest.Object{object(t, secret), object(t, service)}
	return map[string]writeCase{
		"somebody else's files are not replaced": {
			before:  tree.Tree{"registry-a-io/service.yaml": theirs, "registry-a-io/secret-config.yaml": "not: [yaml"},
			objects: both,
			err: []string{
				"registry-a-io/secret-config.yaml was not written for " + mark,
				"registry-a-io/service.yaml was not written for " + mark,
			},
		},
		"somebody else's kustomization.yaml": {
			before: tree.Tree{"kustomization.yaml": "resources:\n- a.yaml\n"}, objects: both,
			err: []string{"kustomization.yaml was not written by this function: choose another directory"},
		},
		"another config's folder": {
			before: tree.Tree{"kustomization.yaml": strings.ReplaceAll(kindBoth, "/caches", "/other")}, objects: both,
			err: []string{"kustomization.yaml was written for RegistryConfig/other, not for " + mark},
		},
		"a kustomization.yaml changed by hand": {
			before: tree.Tree{"kustomization.yaml": kindBoth + "namespace: mine\n"}, objects: both,
			err: []string{"kustomization.yaml was changed by hand: move the changes to a kustomization of your own"},
		},
		"a list that points out of the folder": {
			before: tree.Tree{"kustomization.yaml": kind + "- ../../etc/passwd\n"}, objects: both[1:],
			err: []string{"kustomization.yaml was changed by hand"},
		},
	}
}

func TestWriteDirectory(t *testing.T) {
	cases := writeCases(t)
	maps.Copy(cases, refusalCases(t))
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tree.Write(t, dir, test.before)
			checkError(t, writeDirectory(dir, mark, test.objects), test.err)
			want := test.after
			if want == nil {
				want = test.before
			}
			if diff := cmp.Diff(want, tree.Read(t, dir)); diff != "" {
				t.Errorf("files differ (-want +got):\n%s", diff)
			}
		})
	}
}

func checkError(t *testing.T, err error, parts []string) {
	t.Helper()
	if (err != nil) != (len(parts) > 0) {
		t.Fatalf("got error %v, want one with %q", err, parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got error %v, want one with %q", err, part)
		}
	}
}

func object(t *testing.T, text string) manifest.Object {
	t.Helper()
	nodes, err := readItemsFrom(strings.NewReader(text), "test")
	if err != nil {
		t.Fatal(err)
	}
	o, err := toObject(nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	delete(manifest.Map(o, "metadata", "annotations"), "internal.config.kubernetes.io/path")
	return o
}
