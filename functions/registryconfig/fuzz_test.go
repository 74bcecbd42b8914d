package registryconfig_test

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/distribution/distribution/v3/configuration"

	"github.com/registry-cache/registry-cache/functions/registryconfig"
)

// FuzzCredentials: whatever a user name and a password hold, distribution's own parser reads the same values back, and
// nothing else of the file changes.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{
		"", "plain", "null", "~", "*alias", "&anchor", "!tag", "@at", "%percent", "# comment", "a: b", "'quoted'", `"double"`,
		"two\nlines", " leading", "trailing ", "\ttab", "\n", "\r\n", "\u0085\u2028\u2029", "\x00\x7f\x1b", "\ufeffbom", "|\n- x",
		"{\n  \"type\": \"service_account\"\n}\n", "no", "0x1F", "1e3", "2001-01-01", "<<", "=", "---", "...", "é\U0001F600",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, username, password string) {
		if !utf8.ValidString(username) || !utf8.ValidString(password) {
			t.Skip("refused before, see registrycaches")
		}
		text, err := registryconfig.Marshal(registryconfig.Values{
			RemoteURL: "https://registry.example", TTL: time.Hour, Username: username, Password: password,
		})
		if err != nil {
			t.Fatal(err)
		}
		config, err := configuration.Parse(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("distribution cannot parse it: %v\n%s", err, text)
		}
		if config.Proxy.Username != username || config.Proxy.Password != password {
			t.Errorf("got %q and %q, want %q and %q\n%s", config.Proxy.Username, config.Proxy.Password, username, password, text)
		}
		if config.Proxy.RemoteURL != "https://registry.example" || *config.Proxy.TTL != time.Hour || config.HTTP.Addr != ":5000" {
			t.Errorf("another value changed:\n%s", text)
		}
	})
}
