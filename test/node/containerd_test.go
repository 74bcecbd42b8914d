//go:build node

package node

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/tool"
)

// version is a line of containerd.
type version struct {
	name       string
	containerd string // path of the program, made absolute by find
	ctr        string
	config     string
	// dialTimeout says whether dial_timeout of hosts.toml is honoured.
	dialTimeout bool
	// ipv6 says whether a hosts.toml may name an IPv6 address: the TOML parser of 1.6 and 1.7 wants no brackets in the
	// name of a table, not even in quotes, and containerd goes on as if there were no file.
	ipv6 bool
}

const config1 = `version = 2
root = "DIR/root"
state = "DIR/state"
[grpc]
  address = "DIR/sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "DIR/opt"
[plugins."io.containerd.grpc.v1.cri"]
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = "DIR/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "CERTS"
`

const config2 = `version = 3
root = "DIR/root"
state = "DIR/state"
[grpc]
  address = "DIR/sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "DIR/opt"
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.cri.v1.runtime".cni]
  conf_dir = "DIR/cni"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "CERTS"
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "linux/amd64"
  snapshotter = "native"
`

var (
	debian  = version{name: "1.6", containerd: "/usr/bin/containerd", ctr: "/usr/bin/ctr", config: config1}
	current = version{name: "2.4", containerd: "containerd", ctr: "ctr", config: config2, dialTimeout: true, ipv6: true}
)

// containerd is a running containerd on the node.
type containerd struct {
	w       *world
	version version
	socket  string
	process *process
	cripull string
}

// startContainerd starts containerd on the node, which reads the guard's certs.d and nothing of the machine's.
func (w *world) startContainerd(v version) *containerd {
	w.t.Helper()
	dir := filepath.Join(w.dir, "containerd")
	c := &containerd{w: w, version: v, socket: dir + "/sock", cripull: tool.Path(w.t, "cripull")}
	program := v.containerd
	if !filepath.IsAbs(program) {
		program, c.version.ctr = tool.Path(w.t, program), tool.Path(w.t, v.ctr)
	}
	if output, err := exec.Command("mkdir", dir).CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, output)
	}
	w.write("containerd/config.toml", strings.NewReplacer("DIR", dir, "CERTS", w.certs).Replace(v.config))
	c.process = w.start(w.node, []string{"SSL_CERT_FILE=" + w.dir + "/upstream-ca.crt"}, program, "--config", dir+"/config.toml")
	eventually(w.t, 30*time.Second, "containerd answers", func() bool {
		if !c.process.running() {
			w.t.Fatalf("containerd ended: %v\n%s", c.process.err, c.process.log.String())
		}
		return exec.Command(c.version.ctr, "--address", c.socket, "version").Run() == nil
	})
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("containerd's log:\n%s", c.news())
		}
	})
	return c
}

// pull pulls an image as a kubelet does, removes it with its content, and returns how long the pull took.
func (c *containerd) pull(image string) time.Duration {
	c.w.t.Helper()
	took, output, err := c.tryPull(image)
	if err != nil {
		c.w.t.Fatalf("pulling %s: %v: %s", image, err, output)
	}
	return took
}

func (c *containerd) tryPull(image string) (time.Duration, string, error) {
	output, err := exec.Command(c.cripull, c.socket, "pull", image).CombinedOutput()
	if err != nil {
		return 0, string(output), err
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(output)), 64)
	if err != nil {
		return 0, string(output), err
	}
	if output, err := exec.Command(c.cripull, c.socket, "remove", image).CombinedOutput(); err != nil {
		return 0, string(output), err
	}
	return time.Duration(seconds * float64(time.Second)), "", nil
}

// pullWithin fails unless the pull is done within the limit.
func (c *containerd) pullWithin(image string, limit time.Duration) time.Duration {
	c.w.t.Helper()
	took := c.pull(image)
	if took > limit {
		c.w.t.Errorf("pulling %s took %s, want at most %s", image, took, limit)
	}
	return took
}

// eachContainerd runs a test with each line of containerd, each in a world of its own, at the same time.
func eachContainerd(t *testing.T, test func(w *world, c *containerd)) {
	t.Helper()
	t.Parallel()
	for _, v := range []version{current, debian} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test(w, w.startContainerd(v))
		})
	}
}

// news returns what containerd logged about pulls and troubles.
func (c *containerd) news() string {
	var news strings.Builder
	for line := range strings.Lines(c.process.log.String()) {
		if strings.Contains(line, "PullImage") || strings.Contains(line, "next host") || strings.Contains(line, "level=error") {
			news.WriteString(line)
		}
	}
	return news.String()
}
