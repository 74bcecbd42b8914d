package scripts_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/test/tree"
)

const (
	ours   = "# managed by registry-cache (configure-containerd-registries), do not edit\nserver = \"https://registry-1.docker.io\"\n"
	legacy = "server = \"https://registry-1.docker.io\"\n\n[host.\"http://10.4.0.10:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
	theirs = "server = \"https://registry-1.docker.io\"\n\n[host.\"https://mirror.example\"]\n  capabilities = [\"pull\"]\n"
)

// TestClean runs the script twice on each tree: the second run finds nothing to do.
func TestClean(t *testing.T) {
	for name, test := range map[string]struct {
		upstreams     []string
		before, after tree.Tree
		says          string
	}{
		"ours": {
			upstreams: []string{"docker.io"},
			before:    tree.Tree{"docker.io/hosts.toml": ours, "quay.io/hosts.toml": ours}, after: tree.Tree{"quay.io/hosts.toml": ours},
			says: "docker.io: withdrawn",
		},
		"what the existing extension wrote": {
			upstreams: []string{"docker.io", "r.io:5000"},
			before:    tree.Tree{"docker.io/hosts.toml": legacy, "r.io:5000/hosts.toml": legacy}, after: tree.Tree{"./": ""},
			says: "r.io:5000: withdrawn",
		},
		"somebody else's file": {
			upstreams: []string{"docker.io"},
			before:    tree.Tree{"docker.io/hosts.toml": theirs}, after: tree.Tree{"docker.io/hosts.toml": theirs},
			says: "not ours, left alone",
		},
		"a file that only mentions us, and a folder for a file": {
			upstreams: []string{"docker.io", "quay.io"},
			before:    tree.Tree{"docker.io/hosts.toml": "# managed by registry-cache once, now by me\n" + theirs, "quay.io/hosts.toml/": ""},
			after:     tree.Tree{"docker.io/hosts.toml": "# managed by registry-cache once, now by me\n" + theirs, "quay.io/hosts.toml/": ""},
			says:      "not ours, left alone",
		},
		"other files beside ours": {
			upstreams: []string{"docker.io"},
			before:    tree.Tree{"docker.io/hosts.toml": ours, "docker.io/ca.crt": "x"}, after: tree.Tree{"docker.io/ca.crt": "x"},
			says: "has other files, kept",
		},
		"an empty folder, which would hide _default": {
			upstreams: []string{"docker.io"},
			before:    tree.Tree{"docker.io/": "", "_default/hosts.toml": theirs}, after: tree.Tree{"_default/hosts.toml": theirs},
			says: "nothing to withdraw",
		},
		"copies of a CA file go along": {
			upstreams: []string{"docker.io"},
			before:    tree.Tree{"docker.io/hosts.toml": ours, "docker.io/registry-cache-ca-0123.pem": "x"}, after: tree.Tree{"./": ""},
			says: "docker.io: withdrawn",
		},
		"nothing there": {upstreams: []string{"docker.io"}, before: tree.Tree{}, after: tree.Tree{"./": ""}, says: "nothing to withdraw"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tree.Write(t, dir, test.before)
			if out, err := clean(dir, test.upstreams...); err != nil || !strings.Contains(out, test.says) {
				t.Errorf("got %v, want it to say %q:\n%s", err, test.says, out)
			}
			for range 2 {
				if diff := cmp.Diff(test.after, tree.Read(t, dir)); diff != "" {
					t.Errorf("files differ (-want +got):\n%s", diff)
				}
				if out, err := clean(dir, test.upstreams...); err != nil {
					t.Errorf("the second run failed: %v\n%s", err, out)
				}
			}
		})
	}
}

// TestCleanLeavesWord of every name that a guard could have for the cache: that in its list and that in the file.
func TestCleanLeavesWord(t *testing.T) {
	dir := t.TempDir()
	tree.Write(t, dir, tree.Tree{"docker.io/hosts.toml": legacy})
	tree.Write(t, dir+".run", tree.Tree{
		"state":     "docker-io state=direct since=- withdrawals=0 endpoint=http://other:5000\ndocker.io state=in-use since=- withdrawals=0 endpoint=http://name:5000\n",
		"state.two": "docker.io state=in-use since=- withdrawals=0 endpoint=http://second:5000\n",
	})
	t.Cleanup(func() { _ = os.RemoveAll(dir + ".run") })
	before := time.Now().Unix()
	if out, err := clean(dir, "docker.io", "quay.io"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	word := tree.Read(t, dir+".run")
	if _, left := word["withdrawn/quay.io"]; left {
		t.Error("there must be no word of a cache that nobody knew")
	}
	var names []string
	for line := range strings.Lines(word["withdrawn/docker.io"]) {
		var name string
		var at int64
		if _, err := fmt.Sscanf(line, "%s %d\n", &name, &at); err != nil || at < before || at > time.Now().Unix() {
			t.Errorf("a word must be an endpoint and the time, got %q", line)
		}
		names = append(names, name)
	}
	if diff := cmp.Diff([]string{"http://10.4.0.10:5000", "http://name:5000", "http://second:5000"}, names); diff != "" {
		t.Errorf("endpoints differ (-want +got):\n%s", diff)
	}
}

func TestCleanRefuses(t *testing.T) {
	for _, upstream := range []string{"", "..", "../etc", "a/b", "-rf", "a b", "$(id)", "a;id", ".hidden"} {
		dir := t.TempDir()
		before := tree.Tree{"a/hosts.toml": ours, "docker.io/hosts.toml": ours}
		tree.Write(t, dir, before)
		out, err := clean(dir, "docker.io", upstream)
		if err == nil || !strings.Contains(out, "upstream must be host[:port], got '"+upstream+"'") {
			t.Errorf("%q must be refused with its name, got %v:\n%s", upstream, err, out)
		}
		if diff := cmp.Diff(before, tree.Read(t, dir)); diff != "" {
			t.Errorf("nothing must be done when one upstream is refused (-want +got):\n%s", diff)
		}
	}
	if out, err := clean(t.TempDir()); err == nil || !strings.Contains(out, "at least one upstream") {
		t.Errorf("no upstream must be refused, got %v:\n%s", err, out)
	}
}

// clean runs the script under the machine's sh.
func clean(dir string, upstreams ...string) (string, error) {
	cmd := exec.Command("sh", append([]string{"clean-containerd-registries.sh"}, upstreams...)...)
	cmd.Env = append(os.Environ(), "CERTS_DIR="+dir, "STATE_DIR="+dir+".run")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
