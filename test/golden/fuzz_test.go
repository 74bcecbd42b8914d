package golden

import (
	"encoding/json"
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

// FuzzRender: no text makes the pipeline panic, what it refuses it refuses with faults, and what it accepts renders to
// manifests that decode strictly, with valid names, no two the same.
func FuzzRender(f *testing.F) {
	for _, c := range Cases(f) {
		f.Add([]byte(c.Config), []byte(c.Input))
	}
	f.Fuzz(func(t *testing.T, text, items []byte) {
		config, err := input.Parse(text)
		if err != nil {
			mustBeFaults(t, err)
			return
		}
		var object manifest.Object
		// Only one item, decoded loosely, so that the fuzzer gets at Secrets and StatefulSets with odd content.
		_ = yaml.Unmarshal(items, &object)
		out, err := pipeline.Render(config, []manifest.Object{object})
		if err != nil {
			mustBeFaults(t, err)
			return
		}
		seen := map[manifest.ID]bool{}
		for _, o := range out.Objects {
			if seen[o.ID()] {
				t.Errorf("%s is rendered twice", o.ID())
			}
			seen[o.ID()] = true
			mustBeValid(t, o)
		}
	})
}

func mustBeFaults(t *testing.T, err error) {
	t.Helper()
	var faults fault.List
	if !errors.As(err, &faults) || len(faults) == 0 {
		t.Errorf("got %v, want faults of the input", err)
	}
}

func mustBeValid(t *testing.T, o manifest.Object) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, typeOf(o.APIVersion(), o.Kind())); err != nil {
		t.Errorf("%s: %v", o.ID(), err)
	}
	problems := validation.IsDNS1123Subdomain(o.Name())
	if o.Kind() == "Service" || o.Kind() == "StatefulSet" {
		problems = validation.IsDNS1123Label(o.Name())
	}
	for _, value := range manifest.Map(o, "metadata", "labels") {
		label, _ := value.(string)
		problems = append(problems, validation.IsValidLabelValue(label)...)
	}
	if len(problems) > 0 {
		t.Errorf("%s: %v", o.ID(), problems)
	}
}
