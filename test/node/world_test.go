//go:build node

package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/tool"
)

// prefix begins the names of all that a test could leave behind: prefix, process id, number.
const prefix = "rcnode"

// The addresses of the world. Those of caches are taken away and given back, so each is single.
const (
	nodeAddress, nodeAddress6         = "10.77.0.2", "fd77::2"
	internetAddress, internetAddress6 = "10.77.0.1", "fd77::1"
	cacheAddress, otherCacheAddress   = "10.79.0.10", "10.79.0.11"
	cacheAddress6                     = "fd79::10"
)

var worlds atomic.Int32

// world is a node, the internet, and what a node keeps in files.
type world struct {
	t              *testing.T
	dir            string
	node, internet *namespace
	ca             *authority // of all upstreams with TLS
	certs, state   string     // the folders of the guard
	names          map[string]string
}

// newWorld makes a world without any registry.
func newWorld(t *testing.T) *world {
	t.Helper()
	id := fmt.Sprintf("%s-%d-%d", prefix, os.Getpid(), worlds.Add(1))
	dir := filepath.Join(os.TempDir(), id) // short: paths of sockets are limited
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, dir: dir, certs: dir + "/certs.d", state: dir + "/state", names: map[string]string{"localhost": "127.0.0.1"}}
	w.ca = newAuthority(t)
	w.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
	w.write("upstream-ca.crt", string(w.ca.pem))
	w.write("hosts", "")
	w.setName("localhost", "127.0.0.1")
	w.connect(newNamespace(t, id+"n"), newNamespace(t, id+"i"))
	if t.Failed() {
		t.FailNow()
	}
	return w
}

// connect joins the namespaces. What has no address in the internet vanishes there without a word.
func (w *world) connect(node, internet *namespace) {
	t := w.t
	w.node, w.internet = node, internet
	node.ip(t, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", internet.name)
	for _, side := range []struct {
		ns       *namespace
		v4, v6   string
		routeVia bool
	}{{node, nodeAddress, nodeAddress6, true}, {internet, internetAddress, internetAddress6, false}} {
		side.ns.ip(t, "addr", "add", side.v4+"/24", "dev", "eth0")
		side.ns.ip(t, "addr", "add", side.v6+"/64", "dev", "eth0", "nodad")
		side.ns.ip(t, "link", "set", "eth0", "up")
	}
	node.ip(t, "route", "add", "default", "via", internetAddress)
	node.ip(t, "-6", "route", "add", "default", "via", internetAddress6)
	internet.sysctl(t, "ipv4/ip_forward", "0")
	internet.ip(t, "route", "add", "blackhole", "10.79.0.0/16")
	internet.ip(t, "-6", "route", "add", "blackhole", "fd79::/16")
}

// addAddress gives the internet an address, from which it answers.
func (w *world) addAddress(address string) {
	w.t.Helper()
	w.internet.ip(w.t, "addr", "add", address, "dev", "lo", "nodad")
}

// dropAddress takes an address away: packets to it are swallowed from now on, those of open connections too.
func (w *world) dropAddress(address string) {
	w.t.Helper()
	w.internet.ip(w.t, "addr", "del", address+map[bool]string{true: "/128", false: "/32"}[strings.Contains(address, ":")], "dev", "lo")
}

// setName makes a host name known to the world, or changes its address. The file is mounted in processes, so it must
// be written in place.
func (w *world) setName(name, address string) {
	w.t.Helper()
	w.names[name] = address
	var text strings.Builder
	for name, address := range w.names {
		fmt.Fprintf(&text, "%s %s\n", address, name)
	}
	w.write("hosts", text.String())
}

// write writes a file of the world in place.
func (w *world) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// hostsFile returns the path of an upstream's hosts.toml.
func (w *world) hostsFile(upstream string) string {
	return filepath.Join(w.certs, upstream, "hosts.toml")
}

// readHosts returns the hosts.toml of an upstream, "" if there is none.
func (w *world) readHosts(upstream string) string {
	w.t.Helper()
	content, err := os.ReadFile(w.hostsFile(upstream))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(content)
}

// eventually waits until a condition holds, fails if that takes longer than the limit, and returns how long it took.
func eventually(t *testing.T, limit time.Duration, what string, condition func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !condition() {
		if time.Since(start) > limit {
			t.Fatalf("%s: not within %s", what, limit)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(start)
}

// script returns the path of a script of ours.
func script(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(tool.Root(t), "scripts", name)
}

// startHubAndCache starts docker.io with an image of one layer, and its cache.
func (w *world) startHubAndCache() (hub *upstream, c *cache, image string) {
	w.t.Helper()
	hub = w.startDockerHub()
	return hub, w.startCache(hub, cacheAddress, nil), hub.push("library/one:1", 1, layerSize)
}
