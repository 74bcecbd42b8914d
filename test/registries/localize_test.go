package registries

import (
	"slices"
	"strings"
	"testing"
)

var localReplacements = Replacements{
	Addr:          "127.0.0.1:41234",
	DebugAddr:     "127.0.0.1:41235",
	RootDirectory: "/tmp/data",
	RemoteURL:     "http://127.0.0.1:41236",
	Certificate:   "/tmp/tls.crt",
	Key:           "/tmp/tls.key",
}

func TestLocalizeChangesNoOtherByte(t *testing.T) {
	t.Parallel()
	localized, diff, err := Localize(plainConfig, localReplacements)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(
		" :5000", ` "127.0.0.1:41234"`,
		" :5001", ` "127.0.0.1:41235"`,
		" https://registry-1.docker.io", ` "http://127.0.0.1:41236"`,
		" /var/lib/registry", ` "/tmp/data"`,
	).Replace(string(plainConfig))
	if string(localized) != want {
		t.Errorf("expected\n%s\ngot\n%s", want, localized)
	}
	wantDiff := []string{
		`http.addr: ":5000" -> "127.0.0.1:41234"`,
		`http.debug.addr: ":5001" -> "127.0.0.1:41235"`,
		`proxy.remoteurl: "https://registry-1.docker.io" -> "http://127.0.0.1:41236"`,
		`storage.filesystem.rootdirectory: "/var/lib/registry" -> "/tmp/data"`,
	}
	if !slices.Equal(diff, wantDiff) {
		t.Errorf("expected\n%s\ngot\n%s", strings.Join(wantDiff, "\n"), strings.Join(diff, "\n"))
	}
}

// The same four keys in every way to write them, with all that may stand around them.
func TestLocalizeStyles(t *testing.T) {
	t.Parallel()
	const input = `# :5000 stays
"http": {addr: ':5000', debug: {"addr": ":50\u003001" }, tls: {key: /k, certificate: 'it''s' }}   # :5001 stays
proxy: # ü
  "remoteurl":   https://registry-1.docker.io   # not this: https://registry-1.docker.io
  password: "für :5000"
storage:
  filesystem: {rootdirectory: "/var/lib/\"reg\""}
other:
- addr: :5000
`
	const want = `# :5000 stays
"http": {addr: "127.0.0.1:41234", debug: {"addr": "127.0.0.1:41235" }, tls: {key: "/tmp/tls.key", certificate: "/tmp/tls.crt" }}   # :5001 stays
proxy: # ü
  "remoteurl":   "http://127.0.0.1:41236"   # not this: https://registry-1.docker.io
  password: "für :5000"
storage:
  filesystem: {rootdirectory: "/tmp/data"}
other:
- addr: :5000
`
	localized, diff, err := Localize([]byte(input), localReplacements)
	if err != nil {
		t.Fatal(err)
	}
	if string(localized) != want {
		t.Errorf("expected\n%s\ngot\n%s", want, localized)
	}
	if len(diff) != 6 {
		t.Errorf("expected six lines, got\n%s", strings.Join(diff, "\n"))
	}
	again, diff, err := Localize(localized, localReplacements)
	if err != nil || string(again) != want || len(diff) != 0 {
		t.Errorf("a second time must change nothing: %v\n%s\n%s", err, strings.Join(diff, "\n"), again)
	}
}

func TestLocalizeRefuses(t *testing.T) {
	t.Parallel()
	const good = "http:\n  addr: :5000\nproxy: {remoteurl: https://x}\nstorage: {filesystem: {rootdirectory: /r}}\n"
	if _, _, err := Localize([]byte(good), localReplacements); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ config, want string }{
		"nothing":           {"", "parsing config.yml"},
		"two documents":     {good + "---\n" + good, "exactly one document"},
		"no address":        {strings.Replace(good, "addr", "address", 1), "http.addr is missing"},
		"no upstream":       {strings.Replace(good, "remoteurl", "url", 1), "proxy.remoteurl is missing"},
		"no folder":         {strings.Replace(good, "filesystem", "inmemory", 1), "storage.filesystem.rootdirectory is missing"},
		"null":              {strings.Replace(good, ":5000", "", 1), "replacing http.addr"},
		"a list":            {strings.Replace(good, ":5000", "[x]", 1), "replacing http.addr: it is not a scalar"},
		"anchored":          {strings.Replace(good, ":5000", "&a :5000", 1), "replacing http.addr: it is not a simple scalar"},
		"anchored above":    {strings.Replace(good, "http:", "http: &a", 1) + "other: *a\n", "other is an alias"},
		"several lines":     {strings.Replace(good, "/r", "\"/r\n  x\"", 1), "replacing storage.filesystem.rootdirectory"},
		"block":             {strings.Replace(good, ":5000", "|\n    :5000", 1), "replacing http.addr"},
		"the key twice":     {strings.Replace(good, "addr: :5000", "addr: :5000\n  addr: :5002", 1), "would change http.addr"},
		"tagged":            {strings.Replace(good, ":5000", "!!str :5000", 1), "replacing http.addr"},
		"no replacement":    {strings.Replace(good, "addr", "debug: {addr: x}\n  addr", 1), "http.debug.addr must be replaced"},
		"its parent no map": {strings.Replace(good, "\n  addr: :5000", " :5000", 1), "http.addr is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			replacements := localReplacements
			if name == "no replacement" {
				replacements.DebugAddr = ""
			}
			localized, _, err := Localize([]byte(c.config), replacements)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("expected an error with %q, got %v and\n%s", c.want, err, localized)
			}
		})
	}
}

func TestLocalizeEnv(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"REGISTRY_HTTP_TLS_CERTIFICATE": "/etc/distribution/certs/tls.crt",
		"REGISTRY_PROXY_PASSWORD":       "secret",
		"HTTPS_PROXY":                   "http://proxy.example",
	}
	localized, diff := LocalizeEnv(env, localReplacements)
	want := []string{`env REGISTRY_HTTP_TLS_CERTIFICATE: "/etc/distribution/certs/tls.crt" -> "/tmp/tls.crt"`}
	if !slices.Equal(diff, want) {
		t.Errorf("expected %q, got %q", want, diff)
	}
	if len(localized) != 3 || localized["REGISTRY_HTTP_TLS_CERTIFICATE"] != "/tmp/tls.crt" ||
		localized["REGISTRY_PROXY_PASSWORD"] != "secret" || env["REGISTRY_HTTP_TLS_CERTIFICATE"] == "/tmp/tls.crt" {
		t.Errorf("unexpected environment: %v, was %v", localized, env)
	}
}
