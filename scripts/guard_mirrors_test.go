//go:build node

package scripts_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/tree"
)

const (
	marker = "# managed by registry-cache (configure-containerd-registries), do not edit\n"
	mirror = "server = \"https://quay.io\"\n\n[host.\"https://mirror.example\"]\n  capabilities = [\"pull\"]\n"
)

// mirrorsDir lays mirrors out as a ConfigMap's volume does: a link per upstream.
func (n *node) mirrorsDir(files tree.Tree) string {
	n.Helper()
	dir := filepath.Join(filepath.Dir(n.certs), "mirrors")
	real := filepath.Join(dir, "..data")
	tree.Write(n, real, files)
	for name := range files {
		upstream, _, _ := strings.Cut(name, "/")
		if err := os.Symlink(filepath.Join(real, upstream), filepath.Join(dir, upstream)); err != nil && !os.IsExist(err) {
			n.Fatal(err)
		}
	}
	return dir
}

func TestGuardWritesMirrors(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		ca := "  ca = \"" + n.certs + "/quay.io/registry-cache-ca-0123.pem\"\n"
		dir := n.mirrorsDir(tree.Tree{
			"quay.io/hosts.toml": mirror + ca, "quay.io/registry-cache-ca-0123.pem": "certificates\n", "foreign.io/hosts.toml": mirror,
		})
		n.write("foreign.io/hosts.toml", theirs)
		n.start("--mirrors-dir", dir)
		want := tree.Tree{
			"quay.io/hosts.toml": marker + mirror + ca, "quay.io/registry-cache-ca-0123.pem": "certificates\n", "foreign.io/hosts.toml": theirs,
		}
		n.waitFor(want, 3*time.Second)
		removeAll(t, n.certs+"/quay.io")
		n.waitFor(want, 2*time.Second)
		if state := tree.Read(t, n.state)["state"]; !strings.Contains(state, "quay.io state=mirror ") {
			t.Errorf("the state must tell of the mirror, got %s", state)
		}
		n.signal(syscall.SIGTERM, 5*time.Second)
		if text := n.tree()["quay.io/hosts.toml"]; text != direct("https://quay.io") {
			t.Errorf("without a guard a mirror must not be used, got:\n%s", text)
		}
	})
}

func TestGuardRefusesAMirrorForACachedUpstream(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		dir := n.mirrorsDir(tree.Tree{"quay.io/hosts.toml": mirror})
		n.refuses(t, "upstream must be given only once, got 'quay.io' twice", "--mirrors-dir", dir, "quay.io,http://127.0.0.1:1,https://quay.io")
	})
}

// TestGuardsOnOneNode: several configs, a guard each, and none touches what another wrote.
func TestGuardsOnOneNode(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		owned := func(text, owner string) string {
			return strings.Replace(text, "registries)", "registries "+owner+")", 1)
		}
		n.start("--owner", "one", "docker.io,"+c.url()+","+hub)
		first := tree.Tree{"docker.io/hosts.toml": owned(inUse(hub, c.url()), "one")}
		n.waitFor(first, 3*time.Second)
		n.start("--owner", "two", "docker.io,"+c.url()+","+hub, "quay.io,"+c.url()+",https://quay.io")
		both := tree.Tree{
			"docker.io/hosts.toml": first["docker.io/hosts.toml"], "quay.io/hosts.toml": owned(inUse("https://quay.io", c.url()), "two"),
		}
		n.waitFor(both, 3*time.Second)
		n.stays(both, 2*time.Second)
		if n.count("docker.io: "+n.certs+"/docker.io/hosts.toml is not ours") != 1 {
			t.Errorf("the second must say that the first one's file is not its own, got:\n%s", n.log)
		}
		state := tree.Read(t, n.state)
		if !strings.Contains(state["state.one"], "docker.io state=in-use") || !strings.Contains(state["state.two"], "docker.io state=foreign") {
			t.Errorf("each guard must have a state of its own, got %v", state)
		}
	})
}

func TestGuardTakesAFolderOfCAFiles(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		ca, other, c := newAuthority(t), newAuthority(t), newCache(t, "127.0.0.1")
		c.upTLS(ca)
		dir := filepath.Join(filepath.Dir(n.certs), "ca")
		tree.Write(t, dir, tree.Tree{"a.crt": other.text})
		n.start("--ca-file", dir, "docker.io,https://"+c.addr+","+hub)
		n.stays(tree.Tree{}, 2*time.Second)
		tree.Write(t, dir, tree.Tree{"b.pem": ca.text, "c.key": "not a certificate"})
		n.waitFor(n.usedTLS(c, other.text+ca.text), 4*time.Second)
	})
}
