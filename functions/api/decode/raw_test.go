package decode_test

import (
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
)

// TestRawExtension receives the JSON of any object, in the order of its fields.
func TestRawExtension(t *testing.T) {
	for text, want := range map[string]string{
		"registryConfig: {kind: x, apiVersion: y, foo: [1, 2.5, true, null, {a: b}]}": `{"kind":"x","apiVersion":"y","foo":[1,2.5,true,null,{"a":"b"}]}`,
		`{"registryConfig": {"b": "\ud83d\ude00", "a": {}}}`:                          `{"b":"😀","a":{}}`,
		"registryConfig: {}":        `{}`,
		"registryConfig: null":      "",
		"registryConfig:\n  1: a\n": `{"1":"a"}`,
	} {
		caches := &functions.RegistryCaches{}
		expectFaults(t, decode.Strict([]byte(text), caches, nil))
		if got := string(caches.RegistryConfig.Raw); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestRawExtensionMustBeAnObject(t *testing.T) {
	for text, shown := range map[string]string{"docker.io": `"docker.io"`, "[]": `"list"`, "7": "7"} {
		faults := decode.Strict([]byte("registryConfig: "+text), &functions.RegistryCaches{}, nil)
		expectFaults(t, faults, "TypeInvalid registryConfig: Invalid value: "+shown+": must be an object")
	}
}
