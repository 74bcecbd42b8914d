package validation_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// hunter stands for what must never be shown.
const hunter = "hunter2"

// data returns the entries of a Secret from key, value, key, value ...
func data(pairs ...string) map[string][]byte {
	entries := map[string][]byte{}
	for pair := range slices.Chunk(pairs, 2) {
		entries[pair[0]] = []byte(pair[1])
	}
	return entries
}

type secretCase struct {
	name string
	data map[string][]byte
	want []string
}

func runSecretCases(t *testing.T, cases []secretCase) {
	t.Helper()
	path := field.NewPath("providerConfig", "caches").Index(0).Child("secretReferenceName")
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			secret := validation.Secret{Namespace: "garden-x", Name: "hub", Immutable: true, Data: tc.data}
			faults := validation.ValidateUpstreamRegistrySecret(secret, path, "credentials", true)
			want := make([]string, 0, len(tc.want))
			for _, message := range tc.want {
				want = append(want, invalid(cache0+".secretReferenceName", "credentials", message))
			}
			expectFaults(t, faults, want...)
			shown, err := json.Marshal(faults)
			if err != nil || strings.Contains(string(shown), hunter) {
				t.Errorf("shows the Secret's content: %s (%v)", shown, err)
			}
		})
	}
}

func TestSecret(t *testing.T) {
	const (
		entries         = `the referenced secret "garden-x/hub" should have only two data entries`
		missingUsername = `missing "username" data entry in the referenced secret "garden-x/hub"`
		missingPassword = `missing "password" data entry in the referenced secret "garden-x/hub"`
		emptyUsername   = `the data entry "username" in the referenced secret "garden-x/hub" is empty`
		emptyPassword   = `the data entry "password" in the referenced secret "garden-x/hub" is empty`
		whitespace      = `the data entry "username" in the referenced secret "garden-x/hub" contains whitespace`
	)
	runSecretCases(t, []secretCase{
		{"valid", data("username", hunter, "password", hunter), nil},
		{"password with whitespace", data("username", hunter, "password", " "+hunter+"\n"), nil},
		{"no data", nil, []string{entries, missingUsername, missingPassword}},
		{"username only", data("username", hunter), []string{entries, missingPassword}},
		{"password only", data("password", hunter), []string{entries, missingUsername}},
		{"other entries", data("user", hunter, "pass", hunter), []string{missingUsername, missingPassword}},
		{"third entry", data("username", hunter, "password", hunter, "x", hunter), []string{entries}},
		{"empty", data("username", "", "password", ""), []string{emptyUsername, emptyPassword}},
		{"blank", data("username", " \n", "password", "\t\n"), []string{emptyUsername, emptyPassword, whitespace}},
		{"newline after the username", data("username", hunter+"\n", "password", hunter), []string{whitespace}},
		{"blank in the username", data("username", hunter+" x", "password", hunter), []string{whitespace}},
		{"no-break space in the username", data("username", hunter+"\u00a0", "password", hunter), []string{whitespace}},
	})
}

func TestSecretMustBeImmutableOnAShootOnly(t *testing.T) {
	secret := validation.Secret{Namespace: "garden-x", Name: "hub", Data: data("username", hunter, "password", hunter)}
	path := field.NewPath("secretReferenceName")
	expectFaults(t, validation.ValidateUpstreamRegistrySecret(secret, path, "credentials", true),
		invalid("secretReferenceName", "credentials", `the referenced secret "garden-x/hub" should be immutable`))
	expectFaults(t, validation.ValidateUpstreamRegistrySecret(secret, path, "credentials", false))
}

func TestServiceAccount(t *testing.T) {
	const unparsable = `failed to unmarshal ServiceAccount json from the password data entry in the referenced secret "garden-x/hub"`
	forbidden := func(name string) string {
		return fmt.Sprintf(`forbidden ServiceAccount field %q present in the password data entry in the referenced secret "garden-x/hub"`, name)
	}
	account := func(password string) map[string][]byte { return data("username", "_json_key", "password", password) }
	runSecretCases(t, []secretCase{
		{"every field", account(serviceAccount(t)), nil},
		{"another user's password may be anything", data("username", "_json_key_base64", "password", hunter), nil},
		{"no JSON", account(hunter), []string{unparsable}},
		{"broken JSON", account(`{"private_key": "` + hunter + "\n" + `"}`), []string{unparsable}},
		{"text", account(`"` + hunter + `"`), []string{unparsable}},
		{"list", account(`["` + hunter + `"]`), []string{unparsable}},
		{"null", account("null"), []string{unparsable}},
		{"number in a field", account(`{"client_id": 5, "private_key": "` + hunter + `"}`), []string{unparsable}},
		{"forbidden fields, sorted", account(`{"z": "` + hunter + `", "type": "x", "a": ""}`), []string{forbidden("a"), forbidden("z")}},
		{"field of another case", account(`{"Type": "x"}`), []string{forbidden("Type")}},
		{"docker's config", account(`{"auths": {"x": {"auth": "` + hunter + `"}}}`), []string{unparsable, forbidden("auths")}},
		{"empty", account(" "), []string{
			`the data entry "password" in the referenced secret "garden-x/hub" is empty`, unparsable}},
		{"no password", data("username", "_json_key"), []string{
			`the referenced secret "garden-x/hub" should have only two data entries`,
			`missing "password" data entry in the referenced secret "garden-x/hub"`}},
	})
}

// serviceAccount returns a key with every field that one may have.
func serviceAccount(t *testing.T) string {
	t.Helper()
	account := map[string]string{}
	for name := range strings.FieldsSeq(`type project_id client_email universe_domain auth_uri auth_provider_x509_cert_url
		client_x509_cert_url client_id private_key_id private_key token_uri`) {
		account[name] = hunter
	}
	text, err := json.Marshal(account)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPrintingASecretDoesNotShowItsData(t *testing.T) {
	secret := validation.Secret{Name: "hub", Data: data("username", hunter)}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if shown := fmt.Sprintf(format, secret); strings.Trim(shown, `"`) != "hub" {
			t.Errorf("%s shows %s", format, shown)
		}
	}
}
