package golden

import (
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/test/schema"
)

// TestInputsMatchSchemas: what the functions accept, an editor with the JSON Schemas accepts too; and a fault of decoding
// shows in the editor.
func TestInputsMatchSchemas(t *testing.T) {
	for _, c := range Cases(t) {
		node, err := yaml.Parse(c.Config)
		decodingFault := strings.Contains(c.Name, "decode") || strings.Contains(c.Name, "fields-unknown")
		if err != nil || c.Refused() && !decodingFault {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			err := schema.Validate(node.GetApiVersion(), node.GetKind(), []byte(c.Config))
			if !decodingFault && err != nil {
				t.Error(err)
			}
			if decodingFault && err == nil {
				t.Error("the schema must refuse what the functions cannot decode")
			}
		})
	}
}
