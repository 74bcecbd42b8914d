package input

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// Secret is a Secret among the items, decoded: stringData counts as data.
type Secret = validation.Secret

// SecretItem is the reverse of FindSecret: it makes an item of a Secret, under the name that the config refers to it by.
func SecretItem(secret Secret) manifest.Object {
	data := make(map[string]any, len(secret.Data))
	for key, value := range secret.Data {
		data[key] = base64.StdEncoding.EncodeToString(value)
	}
	item := manifest.Object{"apiVersion": "v1", "kind": "Secret", "immutable": secret.Immutable, "data": data}
	item.SetName(secret.Name)
	if secret.Namespace != "" {
		item.SetNamespace(secret.Namespace)
	}
	return item
}

// FindSecret returns the Secret with this name among the items. path and reference are the field that asks for it and
// its value, for the fault of a Secret that is missing, found twice, still encrypted or not decodable. No content of the
// Secret gets into a fault.
func FindSecret(items []manifest.Object, name string, path *field.Path) (*Secret, fault.List) {
	found := secretsNamed(items, name)
	switch len(found) {
	case 0:
		return nil, secretFault(path, name, fmt.Sprintf("secret %q not found among the items: give it as an "+
			"INPUT file, or in kustomize as one of the resources of a config under transformers (a generator sees none), or in kpt in the package", name))
	case 1:
		return decodeSecret(found[0], path)
	}
	return nil, secretFault(path, name, fmt.Sprintf("secret %q must be unique among the items, found it %d times, in namespaces %q and %q",
		name, len(found), found[0].Namespace(), found[1].Namespace()))
}

// AnySecret returns an object of this name that FindSecret would look into, or nil.
func AnySecret(items []manifest.Object, name string) manifest.Object {
	if found := secretsNamed(items, name); len(found) > 0 {
		return found[0]
	}
	return nil
}

func secretsNamed(items []manifest.Object, name string) (found []manifest.Object) {
	for _, item := range items {
		if item.Kind() == "Secret" && item.APIVersion() == "v1" && item.Name() == name {
			found = append(found, item)
		}
	}
	return found
}

func decodeSecret(item manifest.Object, path *field.Path) (*Secret, fault.List) {
	name := item.Name()
	secret := &Secret{Namespace: item.Namespace(), Name: name, Data: map[string][]byte{}}
	secret.Immutable, _ = item["immutable"].(bool)
	if _, encrypted := item["sops"]; encrypted {
		return nil, encryptedFault(path, name)
	}
	for key, value := range sorted(manifest.Map(item, "data")) {
		text, isText := value.(string)
		if strings.HasPrefix(text, "ENC[") {
			return nil, encryptedFault(path, name)
		}
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if !isText || err != nil {
			return nil, secretFault(path, name, fmt.Sprintf("data entry %q of secret %q must be base64", key, name))
		}
		secret.Data[key] = decoded
	}
	for key, value := range sorted(manifest.Map(item, "stringData")) {
		text, isText := value.(string)
		if !isText {
			return nil, secretFault(path, name, fmt.Sprintf("stringData entry %q of secret %q must be a string", key, name))
		}
		secret.Data[key] = []byte(text)
	}
	for _, value := range secret.Data {
		if bytes.HasPrefix(value, []byte("ENC[")) {
			return nil, encryptedFault(path, name)
		}
	}
	return secret, nil
}

// sorted yields a map's entries by their keys, so that the same Secret always has the same first fault.
func sorted(m map[string]any) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

func encryptedFault(path *field.Path, name string) fault.List {
	return secretFault(path, name, fmt.Sprintf("secret %q is still encrypted (sops): decrypt it before this function runs", name))
}

func secretFault(path *field.Path, name, message string) fault.List {
	return fault.List{{
		Severity: fault.Error, Cause: fault.Secret, Field: path.String(), Value: name, Message: message,
	}}
}
