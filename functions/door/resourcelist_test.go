package door

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const listHead = `apiVersion: config.kubernetes.io/v1
kind: ResourceList
functionConfig: &config
  apiVersion: registry.extensions.gardener.cloud/v1alpha3
  kind: RegistryConfig
  metadata:
    name: caches
  caches:
  - upstream: docker.io
items:
`

func resourceList(t *testing.T, items string) (stdout, stderr string, err error) {
	t.Helper()
	var out, problems bytes.Buffer
	err = ResourceList(strings.NewReader(listHead+items), &out, &problems)
	return out.String(), problems.String(), err
}

// TestFunctionConfigAmongTheItems: kustomize adds the config to a generator's items, and it must not come out; in a kpt
// package it is a file of the user, which kpt would delete if it did not come out.
func TestFunctionConfigAmongTheItems(t *testing.T) {
	const config = "- apiVersion: registry.extensions.gardener.cloud/v1alpha3\n  kind: RegistryConfig\n  metadata:\n    name: caches\n"
	for annotations, kept := range map[string]bool{
		"": false,
		"    annotations:\n      config.kubernetes.io/path: caches.yaml\n":          true,
		"    annotations:\n      internal.config.kubernetes.io/path: caches.yaml\n": true,
	} {
		out, _, err := resourceList(t, config+annotations+"  caches:\n  - upstream: docker.io\n")
		if err != nil {
			t.Fatal(err)
		}
		items, _, _ := strings.Cut(out, "functionConfig:")
		if strings.Contains(items, "kind: RegistryConfig\n") != kept {
			t.Errorf("with %q the config must stay among the items: %t, got:\n%s", annotations, kept, out)
		}
	}
}

// unreadables are items that kyaml cannot read, and quotes in its errors.
var unreadables = map[string]string{
	"a scalar":             "hunter2\n",
	"metadata is a scalar": "apiVersion: v1\nkind: Secret\nmetadata: hunter2\n",
	"annotations a list":   "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  annotations: [hunter2]\n",
	"an unknown alias":     "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  password: *hunter2\n",
	"a duplicate key":      "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata: {hunter2: aaaa, hunter2: bbbb}\n",
	"a tag":                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  password: !!int hunter2\n",
}

// TestUnreadableItemsAreNotShown: what does not parse may be somebody's password.
func TestUnreadableItemsAreNotShown(t *testing.T) {
	for name, item := range unreadables {
		t.Run(name, func(t *testing.T) {
			out, problems, err := resourceList(t, "- "+strings.ReplaceAll(strings.TrimSuffix(item, "\n"), "\n", "\n  ")+"\n")
			if err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("got %v", err)
			}
			if !strings.HasPrefix(out, "apiVersion: config.kubernetes.io/v1\n") {
				t.Errorf("stdout must be a ResourceList, got:\n%s", out)
			}
			checkSaid(t, err, problems)

			dir := t.TempDir()
			config, input := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "input.yaml")
			write(t, config, "apiVersion: registry.extensions.gardener.cloud/v1alpha3\nkind: RegistryConfig\ncaches:\n- upstream: docker.io\n")
			write(t, input, item)
			var stdout, stderr bytes.Buffer
			err = Files([]string{config, input}, "", nil, &stdout, &stderr)
			checkSaid(t, err, stderr.String())
			if err != nil && !strings.HasPrefix(stderr.String(), input+": [error]") {
				t.Errorf("the message must begin with the file that is at fault, got %s", stderr.String())
			}
		})
	}
}

func checkSaid(t *testing.T, err error, said string) {
	t.Helper()
	if strings.Contains(said, "hunter2") {
		t.Errorf("the content is shown: %s", said)
	}
	if err != nil && strings.Count(said, "\n") != 1 {
		t.Errorf("one line must say what is wrong, got %q", said)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFaultsNameTheirOwnFile: a fault of an item must not put the blame for others on the item's file.
func TestFaultsNameTheirOwnFile(t *testing.T) {
	dir := t.TempDir()
	config, input := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "input.yaml")
	write(t, config, "apiVersion: registry.extensions.gardener.cloud/v1alpha3\nkind: RegistryConfig\ncaches:\n- upstream: docker.io\n  garbageCollection: {}\n")
	write(t, input, "apiVersion: v1\nkind: Service\nmetadata:\n  name: registry-docker-io\n  namespace: registry-cache\n")
	var stdout, stderr bytes.Buffer
	if err := Files([]string{config, input}, "", nil, &stdout, &stderr); !errors.Is(err, ErrRefused) {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(stderr.String(), config+": [warning]") || !strings.Contains(stderr.String(), input+": [error]") {
		t.Errorf("each message must begin with its own file, got:\n%s", stderr.String())
	}
}

// TestSecretFilesAreForTheOwnerOnly also when a file of another mode was left by a run that was interrupted.
func TestSecretFilesAreForTheOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	write(t, config, "apiVersion: registry.extensions.gardener.cloud/v1alpha3\nkind: RegistryConfig\ncaches:\n- upstream: docker.io\n")
	left := filepath.Join(dir, "out", "registry-docker-io", "secret-config.yaml.tmp")
	if err := os.MkdirAll(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, nil, 0o644); err != nil { //nolint:gosec // the mode is what is tested
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if err := Files([]string{config}, filepath.Join(dir, "out"), nil, &stdout, &stderr); err != nil {
		t.Fatal(err, stderr.String())
	}
	info, err := os.Stat(strings.TrimSuffix(left, ".tmp"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %o", info.Mode().Perm())
	}
}
