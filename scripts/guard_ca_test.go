//go:build node

package scripts_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/registries"
	"github.com/registry-cache/registry-cache/test/tree"
)

// authority is a CA of the caches.
type authority struct {
	*registries.CA
	text string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	ca, err := registries.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return authority{CA: ca, text: string(ca.PEM())}
}

// copyName is where the guard puts a copy of a CA file, relative to certs.d.
func copyName(upstream, text string) string {
	hash := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%s/registry-cache-ca-%s.pem", upstream, hex.EncodeToString(hash[:])[:12])
}

func (c *cache) upTLS(ca authority) {
	c.t.Helper()
	certificate, err := ca.Issue()
	if err != nil {
		c.t.Fatal(err)
	}
	c.upWith(func(s *httptest.Server) {
		s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused certificates are what is tested
		s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		s.StartTLS()
	})
}

// usedTLS is the tree of a cache with TLS in use.
func (n *node) usedTLS(c *cache, ca string) tree.Tree {
	name := copyName("docker.io", ca)
	return tree.Tree{
		"docker.io/hosts.toml": inUse(hub, "https://"+c.addr, fmt.Sprintf("  ca = %q\n", filepath.Join(n.certs, name))),
		name:                   ca,
	}
}

func (n *node) writeCA(text string) string {
	n.Helper()
	path := filepath.Join(filepath.Dir(n.certs), "ca-bundle.pem")
	// As gardener-node-agent does: a new file, renamed into place.
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		n.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		n.Fatal(err)
	}
	return path
}

func TestGuardTrustsTheCAFile(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		ca, wrong, c := newAuthority(t), newAuthority(t), newCache(t, "127.0.0.1")
		c.upTLS(ca)
		path := n.writeCA(wrong.text)
		n.start("--ca-file", path, "docker.io,https://"+c.addr+","+hub)
		n.stays(tree.Tree{}, 3*time.Second) // a cache whose certificate is not trusted does not answer
		n.writeCA(ca.text)
		n.waitFor(n.usedTLS(c, ca.text), 4*time.Second)
	})
}

// TestGuardFollowsARotation: first both CAs are trusted, then only the new one; hosts.toml never names a file that is not
// there, for containerd would fail every pull of the upstream then.
func TestGuardFollowsARotation(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		first, second, c := newAuthority(t), newAuthority(t), newCache(t, "127.0.0.1")
		c.upTLS(first)
		path := n.writeCA(first.text)
		stop, done := make(chan struct{}), make(chan struct{})
		go func() { defer close(done); n.watchCA(stop) }()
		n.start("--ca-file", path, "docker.io,https://"+c.addr+","+hub)
		n.waitFor(n.usedTLS(c, first.text), 3*time.Second)

		n.writeCA(first.text + second.text)
		n.waitFor(n.usedTLS(c, first.text+second.text), 35*time.Second) // the old copy goes some rounds later
		c.down()
		c.upTLS(second)
		n.writeCA(second.text)
		n.waitFor(n.usedTLS(c, second.text), 35*time.Second)
		if strings.Contains(n.log.String(), "direct") {
			t.Errorf("a rotation must not withdraw the cache, got:\n%s", n.log)
		}
		close(stop)
		<-done
	})
}

// watchCA looks all the time whether the file that hosts.toml names is there.
func (n *node) watchCA(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		file := filepath.Join(n.certs, "docker.io", "hosts.toml")
		text, _ := os.ReadFile(file)
		_, ca, named := strings.Cut(string(text), "ca = \"")
		if !named {
			continue
		}
		if _, err := os.ReadFile(strings.TrimSuffix(strings.TrimSpace(ca), `"`)); err != nil {
			if again, _ := os.ReadFile(file); string(again) == string(text) {
				n.Errorf("hosts.toml names a CA file that cannot be read: %v", err)
			}
		}
	}
}

// TestGuardStopsWithoutCopies: whoever configures the node after the guard does not know its copies of CA files. Where that one has
// written hosts.toml already, it is left alone.
func TestGuardStopsWithoutCopies(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		ca, c := newAuthority(t), newCache(t, "127.0.0.1")
		c.upTLS(ca)
		n.start("--ca-file", n.writeCA(ca.text), "docker.io,https://"+c.addr+","+hub, "quay.io,https://"+c.addr+",https://quay.io")
		used := n.usedTLS(c, ca.text)
		quay := copyName("quay.io", ca.text)
		used["quay.io/hosts.toml"] = inUse("https://quay.io", "https://"+c.addr, fmt.Sprintf("  ca = %q\n", filepath.Join(n.certs, quay)))
		used[quay] = ca.text
		n.waitFor(used, 4*time.Second)
		n.write("quay.io/hosts.toml", theirs)
		n.signal(syscall.SIGTERM, 5*time.Second)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": direct(hub), "quay.io/hosts.toml": theirs}, 0)
	})
}

func TestGuardOutlivesItsCAFile(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		ca, c := newAuthority(t), newCache(t, "127.0.0.1")
		c.upTLS(ca)
		path := n.writeCA(ca.text)
		n.start("--ca-file", path, "docker.io,https://"+c.addr+","+hub)
		n.waitFor(n.usedTLS(c, ca.text), 3*time.Second)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		n.stays(n.usedTLS(c, ca.text), 12*time.Second)
		if n.count("the CA file "+path+" cannot be read") != 1 {
			t.Errorf("it must be said once, got:\n%s", n.log)
		}
	})
}

func TestGuardWithoutItsCAFileStaysDirect(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		ca, c, plain := newAuthority(t), newCache(t, "127.0.0.1"), newCache(t, "127.0.0.1")
		c.upTLS(ca)
		plain.up()
		path := n.writeCA(ca.text)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		tree.Write(t, n.certs, n.usedTLS(c, ca.text)) // of an earlier run
		n.start("--ca-file", path, "docker.io,https://"+c.addr+","+hub, "quay.io,"+plain.url()+",https://quay.io")
		want := tree.Tree{"docker.io/hosts.toml": direct(hub), "quay.io/hosts.toml": inUse("https://quay.io", plain.url())}
		n.waitFor(want, 30*time.Second)
		if n.count("docker.io: the CA file "+path+" cannot be read") != 1 {
			t.Errorf("the log must say why, once, got:\n%s", n.log)
		}
		n.writeCA(ca.text)
		used := n.usedTLS(c, ca.text)
		used["quay.io/hosts.toml"] = want["quay.io/hosts.toml"]
		n.waitFor(used, 12*time.Second)
	})
}

// TestGuardMendsACopyOfTheCAFile: containerd fails every pull if it cannot read it.
func TestGuardMendsACopyOfTheCAFile(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		ca, c := newAuthority(t), newCache(t, "127.0.0.1")
		c.upTLS(ca)
		n.start("--ca-file", n.writeCA(ca.text), "docker.io,https://"+c.addr+","+hub)
		n.waitFor(n.usedTLS(c, ca.text), 3*time.Second)
		copied := copyName("docker.io", ca.text)
		n.write(copied, "no certificate")
		n.waitFor(n.usedTLS(c, ca.text), 12*time.Second)
		if err := os.Remove(filepath.Join(n.certs, copied)); err != nil {
			t.Fatal(err)
		}
		n.waitFor(n.usedTLS(c, ca.text), 2*time.Second)
	})
}
