package validation

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// bundleKey is the entry of a Secret that holds the certificates of the authorities.
const bundleKey = "bundle.crt"

// ValidateCABundleSecret returns the faults of a Secret with the CA bundle of a mirror. path and reference are the field
// that refers to it and that field's value, which is all that a fault shows. requireImmutable is set on platform shoot,
// where a changed Secret would not be noticed.
func ValidateCABundleSecret(secret registryvalidation.Secret, path *field.Path, reference string, requireImmutable bool) field.ErrorList {
	var faults field.ErrorList
	refuse := func(message string) { faults = append(faults, field.Invalid(path, reference, message)) }

	if requireImmutable && !secret.Immutable {
		refuse(fmt.Sprintf("the referenced CA bundle secret %q should be immutable", secret))
	}
	bundle, given := secret.Data[bundleKey]
	switch {
	case !given:
		refuse(fmt.Sprintf("missing %q data entry in the referenced CA bundle secret %q", bundleKey, secret))
	case !isBundle(bundle):
		refuse("the CA bundle is not a valid PEM-encoded certificate")
	}
	if len(secret.Data) > 1 {
		refuse(fmt.Sprintf("the referenced CA bundle secret %q should only have a single data entry with key %q", secret, bundleKey))
	}
	return faults
}

// isBundle says whether the text holds certificates, at least one, and nothing else but comments. The existing extension
// looks at the first only; a broken one is passed over by pem.Decode as by containerd, so that the one authority that
// matters may be missing without a word: hence the count.
func isBundle(text []byte) bool {
	expected := bytes.Count(text, []byte("-----BEGIN "))
	found := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return false
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return false
		}
		found++
	}
	return found > 0 && found == expected
}
