package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	mirror "github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha2"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/api/schemas"
	"github.com/registry-cache/registry-cache/test/schema"
)

// types has the Go type of every schema, by the schema's file name.
var types = map[string]func() any{
	"registryconfig-v1alpha1.json":       func() any { return &v1alpha1.RegistryConfig{} },
	"registryconfig-v1alpha2.json":       func() any { return &v1alpha2.RegistryConfig{} },
	"registryconfig-v1alpha3.json":       func() any { return &v1alpha3.RegistryConfig{} },
	"registrystatus-v1alpha1.json":       func() any { return &v1alpha1.RegistryStatus{} },
	"registrystatus-v1alpha2.json":       func() any { return &v1alpha2.RegistryStatus{} },
	"registrystatus-v1alpha3.json":       func() any { return &v1alpha3.RegistryStatus{} },
	"mirrorconfig-v1alpha1.json":         func() any { return &mirror.MirrorConfig{} },
	"registrycaches-v1alpha1.json":       func() any { return &functions.RegistryCaches{} },
	"registrycleaner-v1alpha1.json":      func() any { return &functions.RegistryCleaner{} },
	"containerdregistries-v1alpha1.json": func() any { return &functions.ContainerdRegistries{} },
}

// document is a YAML document in testdata.
type document struct {
	name, apiVersion, kind string
	content                []byte
}

func (d document) schemaFile() string {
	return strings.ToLower(d.kind) + "-" + d.apiVersion[strings.LastIndex(d.apiVersion, "/")+1:] + ".json"
}

func documents(t *testing.T, folder string) []document {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no documents in testdata/%s (%v)", folder, err)
	}
	var all []document
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(content, &head); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, document{filepath.Base(path), head.APIVersion, head.Kind, content})
	}
	return all
}

func TestGoodDocumentsPass(t *testing.T) {
	for _, d := range documents(t, "good") {
		t.Run(d.name, func(t *testing.T) {
			if err := schema.Validate(d.apiVersion, d.kind, d.content); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGoodDocumentsDecode guards that no schema allows a field that the Go type does not have.
func TestGoodDocumentsDecode(t *testing.T) {
	for _, d := range documents(t, "good") {
		t.Run(d.name, func(t *testing.T) {
			var fields map[string]any
			if err := yaml.Unmarshal(d.content, &fields); err != nil {
				t.Fatal(err)
			}
			delete(fields, "metadata") // as the functions do
			text, err := yaml.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			if errs := decode.Strict(text, types[d.schemaFile()](), nil); len(errs) > 0 {
				t.Error(errs.ToAggregate())
			}
		})
	}
}

func TestBadDocumentsFail(t *testing.T) {
	for _, d := range documents(t, "bad") {
		t.Run(d.name, func(t *testing.T) {
			first, _, _ := bytes.Cut(d.content, []byte("\n"))
			want, ok := strings.CutPrefix(string(first), "# wants: ")
			if !ok {
				t.Fatal("the document must start with a line \"# wants: <part of the error>\"")
			}
			err := schema.Validate(d.apiVersion, d.kind, d.content)
			if err == nil {
				t.Fatalf("passed, want an error with %q", want)
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestEverySchemaHasAGoodDocument(t *testing.T) {
	covered := map[string]bool{}
	for _, d := range documents(t, "good") {
		covered[d.schemaFile()] = true
	}
	files, err := schemas.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !covered[file.Name()] {
			t.Errorf("no document in testdata/good for %s", file.Name())
		}
	}
}
