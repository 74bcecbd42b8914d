package containerdregistries_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"path"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// bundle returns a Secret with a CA bundle.
func bundle(t *testing.T, name string) manifest.Object {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return manifest.Object{
		"apiVersion": "v1", "kind": "Secret", "immutable": true,
		"metadata": map[string]any{"name": name}, "stringData": map[string]any{"bundle.crt": string(text)},
	}
}

func withBundle(upstream, url, secret string) string {
	return hostOf(upstream, url) + "    caBundleSecretReferenceName: " + secret + "\n"
}

// TestFilesOfBundles: the path is that of the existing extension, and a name that is too long for a file ends in a hash.
func TestFilesOfBundles(t *testing.T) {
	long := "https://" + strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "/" + strings.Repeat("d", 100)
	for url, want := range map[string]string{
		"https://mirror.example":              "mirror.example-ca-bundle.pem",
		"https://mirror.example:8443/v2/a%20": "mirror.example-8443-v2-a-20-ca-bundle.pem",
		long:                                  "",
	} {
		config := mirrors + withBundle("r.io:5000", url, "one")
		view, err := containerdregistries.ViewOf(apply(t, desired(t, config, bundle(t, "one")), osc(t, containerd)))
		if err != nil || len(view.Files.Keys) != 1 {
			t.Fatal(view.Files.Keys, err)
		}
		dir, name := path.Split(view.Files.Keys[0])
		if dir != "/etc/containerd/certs.d/r.io-5000/" || want != "" && name != want || len(name) > 255 || !strings.HasSuffix(name, "-ca-bundle.pem") {
			t.Errorf("%s: got %s%s, want %s", url, dir, name, want)
		}
		if ca := fmt.Sprint(view.Registries.Content[0]); !strings.Contains(ca, view.Files.Keys[0]) {
			t.Errorf("the entry must name its bundle, got %s", ca)
		}
	}
}

// TestBundlesWithOnePath: upstreams whose folder is the same may share a bundle, and not have different ones there.
func TestBundlesWithOnePath(t *testing.T) {
	one, two := bundle(t, "one"), bundle(t, "two")
	shared := mirrors + withBundle("r.io:5000", "https://m", "one") + withBundle("r.io-5000", "https://m", "one")
	if got := keys(t, apply(t, desired(t, shared, one), osc(t, containerd))); !strings.HasPrefix(got, "/etc/containerd/certs.d/r.io-5000/m-ca-bundle.pem |") {
		t.Errorf("the file must be there once, got %s", got)
	}
	different := mirrors + withBundle("r.io:5000", "https://m", "one") + withBundle("r.io-5000", "https://m", "two")
	_, err := containerdregistries.DesiredOf(parse(t, different), []manifest.Object{one, two})
	if err == nil || !strings.Contains(err.Error(), "mirrors[1].hosts[0].caBundleSecretReferenceName: must name the same CA bundle") {
		t.Errorf("got %v", err)
	}
}

// TestRotatedBundle: another content is another file at the same place, and the unit stays, which is restarted because of it.
func TestRotatedBundle(t *testing.T) {
	config := nodes + cache("a.io", "https://h:5000") + "    caBundleSecretName: one\n"
	used := apply(t, desired(t, config, bundle(t, "one")), osc(t, containerd))
	operations := plan(t, desired(t, config, bundle(t, "one")), used)
	if len(operations) != 1 || operations[0].Op != "replace" || operations[0].Path != "/spec/files/1" {
		t.Errorf("only the bundle must be replaced, got %v", operations)
	}
	if !strings.Contains(string(used), `"filePaths":["/opt/bin/configure-containerd-registries.sh","/etc/containerd/certs.d/ca-bundle.pem"]`) {
		t.Errorf("the unit must depend on both files, got %s", used)
	}
}

// TestSecretFaults: a controller retries what a Secret is to blame for. On a shoot a mirror's Secret must be immutable.
func TestSecretFaults(t *testing.T) {
	config, secret := mirrors+withBundle("a.io", "https://m", "one"), bundle(t, "one")
	delete(secret, "immutable")
	for name, items := range map[string][]manifest.Object{
		`secret "one" not found`: nil, `the referenced CA bundle secret "one" should be immutable`: {secret},
	} {
		_, err := containerdregistries.DesiredOf(parse(t, config), items)
		var list fault.List
		if !errors.As(err, &list) || !list.Only(fault.Secret) || !strings.Contains(list.Error(), name) {
			t.Errorf("got %v, want only a fault of the Secret: %s", err, name)
		}
	}
}
