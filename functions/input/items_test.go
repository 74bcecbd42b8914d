package input_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// TestSecretItem makes items of Secrets, and finds the same Secrets in them, also after they were JSON for a while.
func TestSecretItem(t *testing.T) {
	for name, secret := range map[string]input.Secret{
		"empty":        {Name: "creds", Data: map[string][]byte{}},
		"text":         {Name: "creds", Data: map[string][]byte{"username": []byte("me"), "password": []byte("p: ä\n")}},
		"no text":      {Namespace: "garden-dev", Name: "ca", Data: map[string][]byte{"bundle.crt": {0, 255, 10}}},
		"an immutable": {Namespace: "garden-dev", Name: "ca", Immutable: true, Data: map[string][]byte{"a": []byte("b")}},
	} {
		t.Run(name, func(t *testing.T) {
			item := input.SecretItem(secret)
			text, err := json.Marshal(item)
			if err != nil {
				t.Fatal(err)
			}
			decoded := manifest.Object{}
			if err := json.Unmarshal(text, &decoded); err != nil {
				t.Fatal(err)
			}
			for _, item := range []manifest.Object{item, decoded} {
				got, faults := input.FindSecret([]manifest.Object{input.SecretItem(input.Secret{Name: "other"}), item}, secret.Name, nil)
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				if diff := cmp.Diff(map[string]any{"namespace": secret.Namespace, "immutable": secret.Immutable, "data": secret.Data},
					map[string]any{"namespace": got.Namespace, "immutable": got.Immutable, "data": got.Data}); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}
