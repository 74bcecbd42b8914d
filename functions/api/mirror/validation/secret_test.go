package validation_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/mirror/validation"
	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// content stands for what must never be shown.
const content = "hunter2"

func certificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func decoded(certificate []byte) []byte {
	block, _ := pem.Decode(certificate)
	return block.Bytes
}

func TestCABundleSecret(t *testing.T) {
	one := certificate(t)
	two := append(append([]byte("# the first\n"), one...), certificate(t)...)
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte(content)})
	broken := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(content)})
	trusted := pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: decoded(one)})
	const (
		invalid = "the CA bundle is not a valid PEM-encoded certificate"
		missing = `missing "bundle.crt" data entry in the referenced CA bundle secret "garden/ca"`
		mutable = `the referenced CA bundle secret "garden/ca" should be immutable`
		single  = `the referenced CA bundle secret "garden/ca" should only have a single data entry with key "bundle.crt"`
	)
	tests := []struct {
		name    string
		mutable bool
		data    map[string][]byte
		want    []string
	}{
		{"one certificate", false, map[string][]byte{"bundle.crt": one}, nil},
		{"two certificates and a comment", false, map[string][]byte{"bundle.crt": two}, nil},
		{"mutable", true, map[string][]byte{"bundle.crt": one}, []string{mutable}},
		{"no data", false, nil, []string{missing}},
		{"other entry", false, map[string][]byte{"ca.crt": one}, []string{missing}},
		{"two entries", false, map[string][]byte{"bundle.crt": one, "ca.crt": one}, []string{single}},
		{"empty", false, map[string][]byte{"bundle.crt": nil}, []string{invalid}},
		{"no PEM", false, map[string][]byte{"bundle.crt": []byte(content)}, []string{invalid}},
		{"no certificate in PEM", false, map[string][]byte{"bundle.crt": broken}, []string{invalid}},
		{"private key beside", false, map[string][]byte{"bundle.crt": append(key, one...)}, []string{invalid}},
		{"certificate of another type", false, map[string][]byte{"bundle.crt": append(trusted, one...)}, []string{invalid}},
		{"cut in the second", false, map[string][]byte{"bundle.crt": two[:len(two)-30]}, []string{invalid}},
		{"broken before a good one", false, map[string][]byte{"bundle.crt": append([]byte("-----BEGIN CERTIFICATE-----\n!\n"), one...)}, []string{invalid}},
		{"all at once", true, map[string][]byte{"bundle.crt": []byte(content), "x": nil}, []string{mutable, invalid, single}},
	}
	path := field.NewPath("providerConfig", "mirrors").Index(0).Child("hosts").Index(0).Child("caBundleSecretReferenceName")
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			secret := registryvalidation.Secret{Namespace: "garden", Name: "ca", Immutable: !tc.mutable, Data: tc.data}
			faults := validation.ValidateCABundleSecret(secret, path, "my-ca", true)
			want := make([]string, 0, len(tc.want))
			for _, message := range tc.want {
				want = append(want, `Invalid `+path.String()+`: Invalid value: "my-ca": `+message)
			}
			expectFaults(t, faults, want...)
			for _, fault := range faults {
				if strings.Contains(fault.Error(), content) {
					t.Errorf("shows the Secret's content: %v", fault)
				}
			}
		})
	}
}

func TestCABundleSecretMayBeMutableOnStandalone(t *testing.T) {
	secret := registryvalidation.Secret{Name: "ca", Data: map[string][]byte{"bundle.crt": certificate(t)}}
	expectFaults(t, validation.ValidateCABundleSecret(secret, field.NewPath("x"), "my-ca", false))
}
