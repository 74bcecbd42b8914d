package app

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/bases"
	"github.com/registry-cache/registry-cache/test/registries"
)

// serveVariable tells a second process of this program to be the cache.
const serveVariable = "CACHE_TEST_SERVE"

func TestMain(m *testing.M) {
	if config := os.Getenv(serveVariable); config != "" {
		if len(os.Args) > 1 && os.Args[1] == "get" { // as a credential helper
			os.Exit(Main(os.Args[1:]))
		}
		go func() { // it must not outlive the test
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
		os.Exit(Main([]string{"serve", config}))
	}
	registries.ServeIfAsked()
	os.Exit(m.Run())
}

// program is a running registry-cache.
type program struct {
	t            *testing.T
	host, debug  string
	folder, data string
	ca           *registries.CA // of a program with TLS
	command      *exec.Cmd
	log          syncBuffer
}

type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// newProgram prepares the program with the configuration of the base; set changes it by environment, as a user may.
func newProgram(t *testing.T, remote string) *program {
	t.Helper()
	p := &program{t: t, folder: t.TempDir(), host: freeAddress(t), debug: freeAddress(t)}
	p.data = filepath.Join(p.folder, "data")
	config, _, err := registries.Localize(baseConfig(t), registries.Replacements{
		Addr: p.host, DebugAddr: p.debug, RootDirectory: p.data, RemoteURL: remote,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.config(), config, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func baseConfig(t *testing.T) []byte {
	t.Helper()
	config, err := bases.FS.ReadFile("cache/config.yml")
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func (p *program) config() string { return filepath.Join(p.folder, "config.yml") }

// start runs the program until the test ends.
func (p *program) start(env ...string) {
	p.t.Helper()
	p.command = exec.Command(os.Args[0])
	p.command.Env = append([]string{serveVariable + "=" + p.config(), credentialsVariable + "=" + filepath.Join(p.folder, "credentials")}, env...)
	p.command.Stdout, p.command.Stderr = &p.log, &p.log
	if _, err := p.command.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = p.command.Process.Kill() })
	for range 500 {
		if p.answers() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatalf("it does not answer:\n%s", p.log.String())
}

// answers says whether both servers do: that of metrics and health begins before the other.
func (p *program) answers() bool {
	response, err := http.Get("http://" + p.debug + "/debug/health")
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	connection, err := net.Dial("tcp", p.host)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

// stop tells the program to stop and expects that it does so without an error.
func (p *program) stop() {
	p.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
	if err := p.command.Wait(); err != nil {
		p.t.Errorf("stopping: %v\n%s", err, p.log.String())
	}
}

func (p *program) pull(image string) error {
	_, err := registries.Pull(context.Background(), p.host+"/"+image, registries.PullOptions{CA: p.ca})
	return err
}

func (p *program) metrics() string {
	p.t.Helper()
	response, err := http.Get("http://" + p.debug + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(body)
}

func startUpstream(t *testing.T, options registries.UpstreamOptions) *registries.Upstream {
	t.Helper()
	u, err := registries.StartUpstream(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	if _, err := u.PushRandomImage(t.Context(), "library/demo:1.0", 3, 200_000, 1); err != nil {
		t.Fatal(err)
	}
	return u
}
