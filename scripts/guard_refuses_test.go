//go:build node

package scripts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/test/tree"
)

// TestGuardRefuses: a value that could break out of TOML, of a path, of systemd or of the shell is refused with its name,
// and nothing is changed.
func TestGuardRefuses(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		before := tree.Tree{"gone.io/hosts.toml": legacy}
		tree.Write(t, n.certs, before)
		for _, test := range []struct{ argument, says string }{
			{"docker.io", "registry must be UPSTREAM,ENDPOINT,SERVER, got 'docker.io'"},
			{"docker.io,http://a", "registry must be UPSTREAM,ENDPOINT,SERVER"},
			{"docker.io,http://a,https://b,c", "registry must be UPSTREAM,ENDPOINT,SERVER"},
			{",http://a,https://b", "upstream must be host[:port], got ''"},
			{"../etc,http://a,https://b", "upstream must be host[:port], got '../etc'"},
			{"a/b,http://a,https://b", "upstream must be host[:port]"},
			{"_default,http://a,https://b", "upstream must be host[:port]"},
			{"a b,http://a,https://b", "upstream must be host[:port]"},
			{"docker.io,ftp://a,https://b", "endpoint of docker.io must begin with http:// or https://, got 'ftp://a'"},
			{`docker.io,http://a"]x,https://b`, "endpoint of docker.io must be scheme://host[:port] without special characters"},
			{"docker.io,http://a/x,https://b", "endpoint of docker.io must not have a path"},
			{"docker.io,http://a%h,https://b", "endpoint of docker.io must be"},
			{"docker.io,http://$HOME,https://b", "endpoint of docker.io must be"},
			{"docker.io,http://`id`,https://b", "endpoint of docker.io must be"},
			{"docker.io,http://a\nb,https://b", "endpoint of docker.io must be"},
			{`docker.io,http://a,https://b\`, "server of docker.io must be"},
			{"docker.io,http://a,https://b'", "server of docker.io must be"},
			{"docker.io,http://a,https://b;id", "server of docker.io must be"},
			{"docker.io,http://a,", "server of docker.io must begin with http:// or https://, got ''"},
			{"--nonsense", "unknown option '--nonsense'"},
		} {
			n.refuses(t, test.says, test.argument)
		}
		registry := "docker.io,http://127.0.0.1:1,https://b"
		n.refuses(t, "upstream must be given only once, got 'docker.io' twice", registry, registry)
		n.refuses(t, "interval must be at least 8, got '7'", "--interval", "7", registry)
		n.refuses(t, "interval must be a number of seconds, got '09'", "--interval", "09", registry)
		n.refuses(t, "dial-timeout must be a duration such as 500ms, 1s or 1m, got '10'", "--dial-timeout", "10", registry)
		n.refuses(t, "dial-timeout must be a duration", "--dial-timeout", "1sss", registry)
		n.refuses(t, "upstream must be host[:port], got 'a:'", "a:,http://a,https://b")
		n.refuses(t, "timeout must be a number of seconds, got 'x'", "--timeout", "x", registry)
		n.refuses(t, "dial-timeout must be a duration", "--dial-timeout", `1s"`, registry)
		n.refuses(t, "certs-dir must be an absolute path", "--certs-dir", "relative", registry)
		n.refuses(t, "ca-file must be an absolute path", "--ca-file", `/a"b`, registry)
		n.refuses(t, "--ca-file needs a value", "--ca-file")
		if diff := cmp.Diff(before, n.tree()); diff != "" {
			t.Errorf("nothing must be changed (-want +got):\n%s", diff)
		}
	})
}

func (n *node) refuses(t *testing.T, says string, args ...string) {
	t.Helper()
	if out, err := n.once(args...); err == nil || !strings.Contains(out, says) {
		t.Errorf("%q must be refused with %q, got %v:\n%s", args, says, err, out)
	}
}

// TestGuardReportsAConfigPathThatContainerdDoesNotUse: containerd's own default since 2.2, a list, disables hosts.toml.
func TestGuardReportsAConfigPathThatContainerdDoesNotUse(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		config := filepath.Join(t.TempDir(), "config.toml")
		for text, wrong := range map[string]bool{
			`[plugins."io.containerd.cri.v1.images".registry]` + "\n  config_path = \"" + n.certs + "\"\n": false,
			`[plugins."io.containerd.cri.v1.images".registry]` + "\n  config_path = '" + n.certs + "'\n":   false,
			"config_path = \"" + n.certs + ":/etc/docker/certs.d\"\n":                                      true,
			"version = 2\n": true,
		} {
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := n.once("--containerd-config", config, "docker.io,http://127.0.0.1:1,"+hub)
			if err != nil {
				t.Fatal(err)
			}
			const says = "hosts.toml files are not used"
			state := tree.Read(t, n.state)["state"]
			if strings.Contains(out, says) != wrong || strings.Contains(state, "# containerd does not read") != wrong {
				t.Errorf("with %q it must be reported: %t, got %q and the state %q", text, wrong, out, state)
			}
		}
	})
}
