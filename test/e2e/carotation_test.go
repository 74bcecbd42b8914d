//go:build e2e

package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/livecluster"
)

// TestCARotation rotates the authority of a cache with TLS while the node pulls all the time: a phase per reconciliation of the
// Shoot, each of which the node follows.
func TestCARotation(t *testing.T) {
	g := newGardener(t, options{})
	r := &caRotation{gardener: g, image: g.pushHub("library/app:1")}
	g.configure(registryConfig(securedCache("docker.io")))
	r.settle(1)
	g.pull(r.image, g.node)
	g.expectPulledThrough(g.hub)
	old := r.trusted()[0]

	g.hub.Reset()
	during := g.startPulls(g.node, r.image)
	r.enter(gardencorev1beta1.RotationPreparing, 2)
	r.enter(gardencorev1beta1.RotationPrepared, 2)
	if served, err := r.served(); err != nil || !issuedBy(served, old) {
		t.Error("before the rotation is completed the old authority must sign: not every node knows the new one:", err)
	}
	r.enter(gardencorev1beta1.RotationCompleting, 1)
	r.enter(gardencorev1beta1.RotationCompleted, 1)
	during.expectNoneFailed("the rotation", guardedPull)
	r.expectCachedThroughout()

	if r.trusted()[0].Equal(old) { // what it trusts has signed, enter has seen
		t.Error("the node trusts the old authority alone, want the new one")
	}
	t.Logf("no file with the old authority is left after %s", g.eventually(time.Minute, "the old authority is gone from the node", func() error {
		return r.forgotten(old)
	}).Round(time.Millisecond))
}

// caRotation is a rotation of the one cache's authority.
type caRotation struct {
	*gardener
	image string
}

// enter brings the rotation into a phase, as a reconciliation of the Shoot does, and waits until cache and node have followed.
func (r *caRotation) enter(phase gardencorev1beta1.CredentialsRotationPhase, authorities int) {
	r.t.Helper()
	r.must(r.shoot.RotateCA(r.ctx, phase))
	start := time.Now()
	took := r.configure(registryConfig(securedCache("docker.io")))
	r.settle(authorities)
	r.expectPullsThrough()
	r.t.Logf("%s: the Extension took %s, cache and node %s", phase, took.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
}

// settle waits until the node uses the cache, trusts what the Extension's status names, a number of authorities, and gets a
// certificate from the cache that one of them has signed.
func (r *caRotation) settle(authorities int) {
	r.t.Helper()
	want := &corev1.Secret{}
	r.must(r.Client().Get(r.ctx, client.ObjectKey{Namespace: r.shoot.Namespace, Name: *r.status().CASecretName}, want))
	r.eventually(time.Minute, "the node follows the authorities", func() error {
		bundle, err := r.bundle()
		if err != nil {
			return err
		}
		if !bytes.Equal(bytes.TrimSpace(bundle), bytes.TrimSpace(want.Data["bundle.crt"])) {
			return errors.New("the node has another bundle than the status names")
		}
		return nil
	})
	trusted := r.trusted()
	if len(trusted) != authorities {
		r.t.Fatalf("the node trusts %d authorities, want %d", len(trusted), authorities)
	}
	r.eventually(time.Minute, "the cache has a certificate that the node trusts", func() error {
		served, err := r.served()
		if err == nil && !slices.ContainsFunc(trusted, func(authority *x509.Certificate) bool { return issuedBy(served, authority) }) {
			err = fmt.Errorf("%s has another issuer", served.Subject)
		}
		return err
	})
}

// expectPullsThrough waits until pulls are hits of the cache.
func (r *caRotation) expectPullsThrough() {
	r.t.Helper()
	before := r.metrics(shootCache("docker-io"))
	r.eventually(30*time.Second, "the pulls are hits of the cache", func() error {
		if counted := r.metrics(shootCache("docker-io")).Sub(before); counted.Blob.Hits == 0 {
			return fmt.Errorf("it counted %+v", counted.Blob)
		}
		return nil
	})
}

// bundle returns the certificates that hosts.toml refers to; it is an error if there are none.
func (r *caRotation) bundle() ([]byte, error) {
	hosts := r.hosts(r.node, "docker.io")
	match := regexp.MustCompile(`(?m)^  ca = "(.+)"$`).FindStringSubmatch(hosts)
	if match == nil || !livecluster.NamesCache(hosts) {
		return nil, fmt.Errorf("hosts.toml is %q", hosts)
	}
	return os.ReadFile(filepath.Join(r.node.Root(), match[1]))
}

// trusted are the authorities that containerd trusts for the cache.
func (r *caRotation) trusted() (authorities []*x509.Certificate) {
	r.t.Helper()
	text, err := r.bundle()
	r.must(err)
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return authorities
		}
		authority, err := x509.ParseCertificate(block.Bytes)
		r.must(err)
		authorities, text = append(authorities, authority), rest
	}
}

// served is the certificate that the cache has for the node.
func (r *caRotation) served() (*x509.Certificate, error) {
	endpoint, err := url.Parse(r.status().Caches[0].Endpoint)
	if err != nil {
		return nil, err
	}
	plain, err := r.node.Namespace().Dial(r.ctx, "tcp", endpoint.Host)
	if err != nil {
		return nil, err
	}
	defer func() { _ = plain.Close() }()                                   // nothing was written
	connection := tls.Client(plain, &tls.Config{InsecureSkipVerify: true}) // who has signed is looked at below
	if err := connection.HandshakeContext(r.ctx); err != nil {
		return nil, err
	}
	return connection.ConnectionState().PeerCertificates[0], nil
}

func issuedBy(certificate, authority *x509.Certificate) bool {
	return certificate.CheckSignatureFrom(authority) == nil
}

// expectCachedThroughout fails if the cache has asked the upstream for what it had.
func (r *caRotation) expectCachedThroughout() {
	r.t.Helper()
	fromNode := 0
	for _, request := range r.hub.Requests() {
		switch {
		case request.FromNode():
			fromNode++
		case strings.Contains(request.Path, "/blobs/"):
			r.t.Errorf("the cache asked the upstream for what it had: %+v", request)
		}
	}
	r.t.Logf("the node itself asked the upstream %d times, while it did not use the cache", fromNode)
}

// forgotten returns an error if a file below the folder of containerd's registries has an authority.
func (r *caRotation) forgotten(authority *x509.Certificate) error {
	text := bytes.TrimSpace(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}))
	return filepath.WalkDir(filepath.Join(r.node.Root(), certsDir), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, text) {
			err = fmt.Errorf("%s has it", path)
		}
		return err
	})
}
