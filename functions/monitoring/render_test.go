package monitoring

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/bases"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

var update = flag.Bool("update", false, "write the golden file anew")

const golden = "testdata/expected.yaml"

var values = Values{Namespace: "shoot--local--local", CASecretName: "ca-bundle-1a2b3c4d"}

// TestGolden renders twice, and changes everything of the first copy in between.
func TestGolden(t *testing.T) {
	for range 2 {
		objects, err := Render(values)
		if err != nil {
			t.Fatal(err)
		}
		got := marshal(t, withoutDashboard(t, objects))
		if *update {
			if err := os.WriteFile(golden, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("the objects differ from %s (-want +got):\n%s", golden, diff)
		}
		for _, o := range objects {
			spoil(map[string]any(o))
		}
	}
}

// TestOfAnotherShoot: nothing of one shoot is left in the objects of the next.
func TestOfAnotherShoot(t *testing.T) {
	if _, err := Render(values); err != nil {
		t.Fatal(err)
	}
	objects, err := Render(Values{Namespace: "shoot--other--one", CASecretName: "ca-bundle-5e6f7a8b"})
	if err != nil {
		t.Fatal(err)
	}
	text := string(marshal(t, objects))
	for _, gone := range []string{values.Namespace, values.CASecretName, "name: ca-bundle\n"} {
		if strings.Contains(text, gone) {
			t.Errorf("the objects must not have %q", gone)
		}
	}
	for part, want := range map[string]int{"namespace: shoot--other--one": 3, "name: ca-bundle-5e6f7a8b": 2} {
		if got := strings.Count(text, part); got != want {
			t.Errorf("the objects have %q %d times, want %d", part, got, want)
		}
	}
}

func TestMissingValues(t *testing.T) {
	for _, incomplete := range []Values{{}, {Namespace: "shoot--local--local"}, {CASecretName: "ca-bundle"}} {
		if objects, err := Render(incomplete); err == nil || objects != nil {
			t.Errorf("%+v must be refused, got %d objects", incomplete, len(objects))
		}
	}
}

// TestScrapeConfigWithoutCA: a client without a CA would be one that trusts another's certificates, or anybody's.
func TestScrapeConfigWithoutCA(t *testing.T) {
	withCA := map[string]any{"tlsConfig": map[string]any{"ca": map[string]any{"secret": map[string]any{}}}}
	without := map[string]any{"tlsConfig": map[string]any{"insecureSkipVerify": true}}
	for name, spec := range map[string]map[string]any{
		"scraping":    {"tlsConfig": without["tlsConfig"], "kubernetesSDConfigs": []any{withCA}},
		"discovering": {"tlsConfig": withCA["tlsConfig"], "kubernetesSDConfigs": []any{withCA, without}},
	} {
		if err := trust(manifest.Object{"spec": spec}, "ca"); err == nil {
			t.Errorf("%s without a CA must be an error", name)
		}
	}
}

func marshal(t *testing.T, objects []manifest.Object) []byte {
	t.Helper()
	documents := make([][]byte, len(objects))
	for i, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		documents[i] = text
	}
	return bytes.Join(documents, []byte("---\n"))
}

// withoutDashboard checks that the dashboard is the file of bases, and leaves it out of a copy of the objects.
func withoutDashboard(t *testing.T, objects []manifest.Object) []manifest.Object {
	t.Helper()
	const file = "registry-cache.dashboard.json"
	want, err := bases.FS.ReadFile("monitoring/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var without []manifest.Object
	for _, o := range objects {
		o = o.DeepCopy()
		if data := manifest.Map(o, "data"); o.Kind() == "ConfigMap" {
			if diff := cmp.Diff(string(want), data[file]); diff != "" {
				t.Errorf("the dashboard differs from the file (-want +got):\n%s", diff)
			}
			data[file] = "the file"
		}
		without = append(without, o)
	}
	return without
}

// spoil changes every map and slice below value.
func spoil(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			spoil(child)
			v[key] = "spoiled"
		}
	case []any:
		for i, child := range v {
			spoil(child)
			v[i] = "spoiled"
		}
	}
}
