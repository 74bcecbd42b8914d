//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/registries"
	"github.com/registry-cache/registry-cache/test/tool"
)

// What the caches with TLS of these tests have in common.
const (
	tlsAddress = "10.96.0.50"
	tlsSecret  = "registry-docker-io-tls"
)

// TestStandaloneTLS serves a plain cluster with https: with a key pair that the user made, and with one that cert-manager did.
func TestStandaloneTLS(t *testing.T) {
	e := newEnv(t, options{})
	e.step("key pair", (*env).keyPair)
	e.step("cert-manager", (*env).certManager)
}

// keyPair renders a cache with TLS and a pinned address, and makes its Secret by hand.
func (e *env) keyPair() {
	manifests := e.render("tls.yaml")
	image := e.pushHub("library/tls:1")
	authority, err := registries.NewCA()
	e.must(err)
	e.apply(manifests)
	e.issue(authority, tlsSecret, tlsAddress)
	e.t.Logf("used %s after its key pair was there", rounded(e.awaitTLS(e.node, authority)))
	e.pullThroughThenHit(image)
	e.deleteAtOnce(image, func() { e.pipe(manifests, tool.Path(e.t, "kubectl"), "delete", "-f", "-") })
}

// issue puts a key pair for names and addresses into a Secret as cert-manager does: a new Secret, or all of it at once.
func (e *env) issue(authority *registries.CA, secretName string, hosts ...string) {
	e.t.Helper()
	certificate, key, err := authority.IssuePEMFor(hosts...)
	e.must(err)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: standaloneHub.namespace, Name: secretName},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{corev1.TLSCertKey: certificate, corev1.TLSPrivateKeyKey: key, "ca.crt": authority.PEM()},
	}
	if err := e.Client().Create(e.ctx, secret); client.IgnoreAlreadyExists(err) != nil {
		e.t.Fatal(err)
	} else if err != nil {
		e.must(e.Client().Update(e.ctx, secret))
	}
}

// awaitTLS waits until a node uses the cache of Docker Hub by https and verifies it by an authority.
func (e *env) awaitTLS(node *cluster.Node, authority *registries.CA) time.Duration {
	e.t.Helper()
	return e.eventually(2*time.Minute, node.Name+" uses the cache by https", func() error { return e.usesTLS(node, authority) })
}

var caLine = regexp.MustCompile(`(?m)^ *ca = "(.*)"$`)

func (e *env) usesTLS(node *cluster.Node, authority *registries.CA) error {
	hosts := e.hosts(node, "docker.io")
	ca := caLine.FindStringSubmatch(hosts)
	if !strings.Contains(hosts, "\n[host.\"https://"+tlsAddress+":5000\"]\n") || ca == nil {
		return fmt.Errorf("hosts.toml is %q", hosts)
	}
	content, err := node.Run(e.ctx, "cat", ca[1])
	if err != nil {
		return err
	}
	if content != string(authority.PEM()) {
		return fmt.Errorf("%s has another authority", filepath.Base(ca[1]))
	}
	return nil
}
