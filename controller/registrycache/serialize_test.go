package registrycache

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

func decompress(t *testing.T, data []byte) string {
	t.Helper()
	text, err := io.ReadAll(brotli.NewReader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSerializeIsStable: the Secret's name is a hash of these bytes, and a new name is a write.
func TestSerializeIsStable(t *testing.T) {
	objects := []manifest.Object{
		{"kind": "ConfigMap", "metadata": map[string]any{"name": "b", "labels": map[string]any{"y": "1", "x": "<2>"}}},
		{"kind": "ConfigMap", "metadata": map[string]any{"name": "a"}},
	}
	first, err := serialize(objects)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		again, err := serialize(objects)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first["data.yaml.br"], again["data.yaml.br"]) {
			t.Fatal("the same objects gave other bytes")
		}
	}
	text := decompress(t, first["data.yaml.br"])
	if documents := strings.Split(strings.TrimPrefix(text, "---\n"), "---\n"); len(documents) != 2 || !strings.Contains(documents[0], `"name":"b"`) {
		t.Errorf("got %q", text)
	}
}
