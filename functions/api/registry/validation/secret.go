package validation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Secret is what the rules look at in a Kubernetes Secret, without its types (functions does not import k8s.io/api).
type Secret struct {
	// Namespace is empty for a Secret of a file that gives none.
	Namespace string
	Name      string
	Immutable bool
	// Data holds the decoded entries.
	Data map[string][]byte
}

// String names the Secret as messages do, and keeps its data out of them.
func (s Secret) String() string {
	if s.Namespace == "" {
		return s.Name
	}
	return s.Namespace + "/" + s.Name
}

// GoString is String: a Secret that is printed with %#v does not show its data either.
func (s Secret) GoString() string {
	return s.String()
}

// secretFaults collects what is wrong with one Secret. The refused value is always the name by which the config refers
// to the Secret; nothing of the Secret's content is shown (DESIGN rule 5).
type secretFaults struct {
	path      *field.Path
	reference string
	list      field.ErrorList
}

func (f *secretFaults) add(format string, args ...any) {
	f.list = append(f.list, field.Invalid(f.path, f.reference, fmt.Sprintf(format, args...)))
}

const (
	usernameKey = "username"
	passwordKey = "password"
	// serviceAccountUser is the user name with which Google's registries take a service account's key as the password.
	serviceAccountUser = "_json_key"
)

// ValidateUpstreamRegistrySecret returns the faults of a Secret with credentials for an upstream. path and reference are
// the field that refers to it and that field's value. requireImmutable is set on platform shoot, where a changed Secret
// would not be noticed.
func ValidateUpstreamRegistrySecret(secret Secret, path *field.Path, reference string, requireImmutable bool) field.ErrorList {
	faults := &secretFaults{path: path, reference: reference}
	if requireImmutable && !secret.Immutable {
		faults.add("the referenced secret %q should be immutable", secret)
	}
	if len(secret.Data) != 2 {
		faults.add("the referenced secret %q should have only two data entries", secret)
	}
	for _, key := range []string{usernameKey, passwordKey} {
		validateEntry(secret, key, faults)
	}
	if bytes.ContainsFunc(secret.Data[usernameKey], unicode.IsSpace) {
		faults.add("the data entry %q in the referenced secret %q contains whitespace", usernameKey, secret)
	}
	if password, given := secret.Data[passwordKey]; given && string(secret.Data[usernameKey]) == serviceAccountUser {
		validateServiceAccount(secret, password, faults)
	}
	return faults.list
}

func validateEntry(secret Secret, key string, faults *secretFaults) {
	entry, given := secret.Data[key]
	switch {
	case !given:
		faults.add("missing %q data entry in the referenced secret %q", key, secret)
	case len(bytes.TrimSpace(entry)) == 0:
		faults.add("the data entry %q in the referenced secret %q is empty", key, secret)
	case !utf8.Valid(entry): // the registry's configuration is text
		faults.add("the data entry %q of the referenced secret must be UTF-8 text", key)
	}
}

// serviceAccountFields are the fields of a Google service account's key. Others are refused: a key that is in truth
// another kind of credentials file may name programs to run and files to read.
var serviceAccountFields = map[string]bool{
	"type": true, "project_id": true, "client_email": true, "universe_domain": true, "auth_uri": true,
	"auth_provider_x509_cert_url": true, "client_x509_cert_url": true, "client_id": true, "private_key_id": true,
	"private_key": true, "token_uri": true,
}

// validateServiceAccount drops the cause of a parse error on purpose: the decoder's messages quote the text.
func validateServiceAccount(secret Secret, password []byte, faults *secretFaults) {
	var account map[string]string
	if err := json.Unmarshal(password, &account); err != nil || account == nil {
		faults.add("failed to unmarshal ServiceAccount json from the password data entry in the referenced secret %q", secret)
	}
	for _, name := range slices.Sorted(maps.Keys(account)) {
		if !serviceAccountFields[name] {
			faults.add("forbidden ServiceAccount field %q present in the password data entry in the referenced secret %q", name, secret)
		}
	}
}
