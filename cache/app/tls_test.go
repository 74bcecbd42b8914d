package app

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/registries"
)

// TestTLS serves with a certificate.
func TestTLS(t *testing.T) {
	p := newProgram(t, startUpstream(t, registries.UpstreamOptions{}).URL())
	ca, err := registries.NewCA()
	must(t, err)
	certificate, key, err := ca.IssuePEM()
	must(t, err)
	files := []string{filepath.Join(p.folder, "tls.crt"), filepath.Join(p.folder, "tls.key")}
	must(t, os.WriteFile(files[0], certificate, 0o600))
	must(t, os.WriteFile(files[1], key, 0o600))
	content, err := os.ReadFile(p.config())
	must(t, err)
	tls := fmt.Appendf(nil, "http:\n  tls:\n    certificate: %s\n    key: %s\n", files[0], files[1])
	must(t, os.WriteFile(p.config(), bytes.Replace(content, []byte("http:\n"), tls, 1), 0o600))
	p.ca = ca
	p.start()
	must(t, p.pull("library/demo:1.0"))
	must(t, p.pull("library/demo:1.0"))
	p.stop()
}

// TestDrain stops the program in the middle of a pull, which it finishes.
func TestDrain(t *testing.T) {
	u := startUpstream(t, registries.UpstreamOptions{BytesPerSecond: 500_000}) // over a second for the image
	p := newProgram(t, u.URL())
	p.start()
	begun := make(chan struct{})
	result := make(chan error, 1)
	go func() {
		var first sync.Once // layers are pulled side by side
		_, err := registries.Pull(t.Context(), p.host+"/library/demo:1.0", registries.PullOptions{Progress: func(int64) {
			first.Do(func() { close(begun) })
		}})
		result <- err
	}()
	<-begun
	time.Sleep(100 * time.Millisecond) // all connections are made
	p.stop()
	if err := <-result; err != nil {
		t.Errorf("the pull that was under way: %v", err)
	}
}
