package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/registries"
)

// startTLS starts the program with a key pair that is mounted as a kubelet does it, and more lines of http.tls.
func startTLS(t *testing.T, u *registries.Upstream, more ...string) (p *program, directory string) {
	t.Helper()
	p = newProgram(t, u.URL())
	var err error
	p.ca, err = registries.NewCA()
	must(t, err)
	directory = filepath.Join(p.folder, "certs")
	mountKeyPair(t, directory, "1", p.ca, p.ca)
	content, err := os.ReadFile(p.config())
	must(t, err)
	lines := append([]string{"certificate: " + directory + "/tls.crt", "key: " + directory + "/tls.key"}, more...)
	section := fmt.Appendf(nil, "http:\n  tls:\n    %s\n", strings.Join(lines, "\n    "))
	must(t, os.WriteFile(p.config(), bytes.Replace(content, []byte("http:\n"), section, 1), 0o600))
	p.start()
	return p, directory
}

// mountKeyPair replaces the mounted key pair: the certificate is one that the first authority issued, the key belongs to one of
// the second's, which is another pair if they differ.
func mountKeyPair(t *testing.T, directory, generation string, certificateOf, keyOf *registries.CA) {
	t.Helper()
	certificate, key, err := certificateOf.IssuePEM()
	must(t, err)
	if keyOf != certificateOf {
		_, key, err = keyOf.IssuePEM()
		must(t, err)
	}
	mountFiles(t, directory, generation, map[string][]byte{"tls.crt": certificate, "tls.key": key})
}

// served returns the certificate that the program shows to a new client.
func (p *program) served() *x509.Certificate {
	p.t.Helper()
	connection, err := tls.Dial("tcp", p.host, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it looks at the certificate
	must(p.t, err)
	defer func() { _ = connection.Close() }()
	return connection.ConnectionState().PeerCertificates[0]
}

// servesAnother waits for another certificate, and does something all the while.
func (p *program) servesAnother(before *x509.Certificate, meanwhile func()) bool {
	p.t.Helper()
	for end := time.Now().Add(3 * keyPairInterval); time.Now().Before(end); time.Sleep(keyPairInterval / 10) {
		if !p.served().Equal(before) {
			return true
		}
		meanwhile()
	}
	return false
}

// TestKeyPairIsRenewed: another key pair is taken up without a restart, one that is none is not, and no pull fails meanwhile.
func TestKeyPairIsRenewed(t *testing.T) {
	p, directory := startTLS(t, startUpstream(t, registries.UpstreamOptions{}))
	pulls := func() { must(t, p.pull("library/demo:1.0")) }
	first := p.served()
	mountKeyPair(t, directory, "2", p.ca, p.ca)
	if !p.servesAnother(first, pulls) {
		t.Fatalf("the renewed certificate must be served:\n%s", p.log.String())
	}
	pulls()
	second := p.served()
	other, err := registries.NewCA()
	must(t, err)
	mountKeyPair(t, directory, "3", p.ca, other)
	if p.servesAnother(second, pulls) {
		t.Errorf("a certificate with the key of another one must not be served:\n%s", p.log.String())
	}
	mountKeyPair(t, directory, "4", other, other)
	if !p.servesAnother(second, func() {}) { // a client that trusts the one does not trust the other
		t.Errorf("the certificate of another authority must be served:\n%s", p.log.String())
	}
	p.ca = other
	pulls()
	p.stop()
	for line, want := range map[string]int{"took up the key pair": 2, "stays in use": 1} {
		if n := strings.Count(p.log.String(), line); n != want {
			t.Errorf("the log must have %q %d times, got %d:\n%s", line, want, n, p.log.String())
		}
	}
}

// TestTLSOptions: the versions of TLS are distribution's, and what only distribution does is left to it.
func TestTLSOptions(t *testing.T) {
	u := startUpstream(t, registries.UpstreamOptions{})
	p, _ := startTLS(t, u, "minimumtls: tls1.3")
	if connection, err := tls.Dial("tcp", p.host, &tls.Config{RootCAs: p.ca.Pool(), MaxVersion: tls.VersionTLS12}); err == nil { //nolint:gosec // meant to be refused
		_ = connection.Close()
		t.Error("TLS 1.2 must be refused")
	}
	must(t, p.pull("library/demo:1.0"))
	p.stop()
	p, _ = startTLS(t, u, "ciphersuites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]")
	must(t, p.pull("library/demo:1.0"))
	p.stop()
	if !strings.Contains(p.log.String(), "another key pair needs a restart") {
		t.Errorf("the log must say that key pairs are not read again:\n%s", p.log.String())
	}
}

// TestFaultyTLS: a faulty start says why.
func TestFaultyTLS(t *testing.T) {
	folder := t.TempDir()
	if _, err := newKeyPair(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")); err == nil || !strings.Contains(err.Error(), "tls.key") {
		t.Errorf("missing files must be named, got %v", err)
	}
}
