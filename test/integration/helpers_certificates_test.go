//go:build integration

package integration

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// What the existing extension calls its certificates.
const (
	secretsIdentity = "extension-registry-cache"
	authority       = "ca-extension-registry-cache"
	serverOfDocker  = "registry-docker-io-tls"
)

var errOtherCertificate = errors.New("the StatefulSet has another certificate")

// managedSecrets returns the Secrets of the extension's secrets manager in the seed with a name, the oldest first.
func (e *env) managedSecrets(s *cluster.Shoot, name string) []corev1.Secret {
	e.t.Helper()
	labels := client.MatchingLabels{"managed-by": "secrets-manager", "manager-identity": secretsIdentity}
	if name != "" {
		labels["name"] = name
	}
	var list corev1.SecretList
	e.must(e.Client().List(e.ctx, &list, client.InNamespace(s.Namespace), labels))
	slices.SortFunc(list.Items, func(a, b corev1.Secret) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return list.Items
}

// managedSecret returns the one Secret with a name.
func (e *env) managedSecret(s *cluster.Shoot, name string) *corev1.Secret {
	e.t.Helper()
	found := e.managedSecrets(s, name)
	if len(found) != 1 {
		e.t.Fatalf("there are %d Secrets %s in the seed, want one", len(found), name)
	}
	return &found[0]
}

// trusted are the authorities in the bundle that the status names.
func (e *env) trusted(s *cluster.Shoot) []*x509.Certificate {
	e.t.Helper()
	status := e.status(s)
	bundle := &corev1.Secret{}
	e.must(e.Client().Get(e.ctx, client.ObjectKey{Namespace: s.Namespace, Name: bundleOf(&status)}, bundle))
	return e.parse(bundle.Data["bundle.crt"])
}

// parse reads all certificates of a PEM text.
func (e *env) parse(text []byte) (parsed []*x509.Certificate) {
	e.t.Helper()
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		e.must(err)
		parsed, text = append(parsed, c), rest
	}
	if len(parsed) == 0 {
		e.t.Fatal("there is no certificate")
	}
	return parsed
}

// awaitServed waits until the StatefulSet has a certificate with this text, and returns its Secret.
func (e *env) awaitServed(cache string, text []byte) (secret *corev1.Secret) {
	e.t.Helper()
	e.eventually(30*time.Second, func() error {
		set := &appsv1.StatefulSet{}
		if err := e.Client().Get(e.ctx, client.ObjectKey{Namespace: "kube-system", Name: "registry-" + cache}, set); err != nil {
			return err
		}
		name := secretVolume(set, "certs-volume")
		secret = &corev1.Secret{}
		if err := e.Client().Get(e.ctx, client.ObjectKey{Namespace: "kube-system", Name: name}, secret); err != nil {
			return err
		}
		if !bytes.Equal(secret.Data["tls.crt"], text) {
			return errOtherCertificate
		}
		return nil
	})
	return secret
}

// secretVolume returns the name of the Secret in a volume, "" if there is no such volume.
func secretVolume(set *appsv1.StatefulSet, volume string) string {
	for _, v := range set.Spec.Template.Spec.Volumes {
		if v.Name == volume && v.Secret != nil {
			return v.Secret.SecretName
		}
	}
	return ""
}

// verify returns an error unless a node that trusts these authorities takes the certificate for an address.
func verify(server *x509.Certificate, trusted []*x509.Certificate, address string) error {
	roots := x509.NewCertPool()
	for _, c := range trusted {
		roots.AddCert(c)
	}
	if _, err := server.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err != nil {
		return err
	}
	return server.VerifyHostname(address)
}

// withoutCertificate returns an error while the StatefulSet of a cache has a certificate.
func (e *env) withoutCertificate(cache string) error {
	set := e.shootObjects().statefulSet(cache)
	if set == nil || secretVolume(set, "certs-volume") != "" {
		return errOtherCertificate
	}
	return nil
}
