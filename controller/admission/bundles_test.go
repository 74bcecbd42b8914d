package admission_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// certificate makes a CA certificate in PEM.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestCABundlesAreValidated(t *testing.T) {
	const at = `spec.extensions[0].providerConfig.mirrors[0].hosts[0].caBundleSecretReferenceName: Invalid value: "ca": `
	config := mirrors("mirrors: [{upstream: docker.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: ca}]}]")
	listed := resource("ca", "Secret", "m-ca")
	validateAll(t, mirrorValidator, map[string]request{
		"good": {new: shoot(config, listed), reader: reader(secret("m-ca", true, map[string]string{"bundle.crt": certificate(t)}))},
		"good, for two hosts": {
			new: shoot(mirrors(`
mirrors:
- {upstream: docker.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: ca}, {host: 'https://n', caBundleSecretReferenceName: ca}]}
`), listed), reader: reader(secret("m-ca", true, map[string]string{"bundle.crt": certificate(t)}))},
		"not listed": {new: shoot(config), want: []string{at + "failed to find referenced resource with name ca and kind Secret"}},
		"missing":    {new: shoot(config, listed), want: []string{at + `the referenced secret "garden-dev/m-ca" does not exist`}},
		"all faults at once": {new: shoot(config, listed), reader: reader(secret("m-ca", false, map[string]string{"ca.crt": "x", "b": "y"})), want: []string{
			at + `the referenced CA bundle secret "garden-dev/m-ca" should be immutable`,
			at + `missing "bundle.crt" data entry in the referenced CA bundle secret "garden-dev/m-ca"`,
			at + `the referenced CA bundle secret "garden-dev/m-ca" should only have a single data entry with key "bundle.crt"`,
		}},
		"an empty reference": {
			new: shoot(mirrors("mirrors: [{upstream: docker.io, hosts: [{host: 'https://m', caBundleSecretReferenceName: ''}]}]")),
			want: []string{`spec.extensions[0].providerConfig.mirrors[0].hosts[0].caBundleSecretReferenceName: Invalid value: "": ` +
				"must not be empty; leave it out if the node's own certificate authorities will do"}},
	})
}

// r.io:5000 and r.io-5000 have one folder for CA bundles: what the webhook for the nodes would refuse is refused here.
func TestTwoBundlesForOneFile(t *testing.T) {
	config := mirrors(`
mirrors:
- {upstream: 'r.io:5000', hosts: [{host: 'https://m', caBundleSecretReferenceName: a}]}
- {upstream: 'r.io-5000', hosts: [{host: 'https://m', caBundleSecretReferenceName: b}]}
`)
	one, another := map[string]string{"bundle.crt": certificate(t)}, map[string]string{"bundle.crt": certificate(t)}
	listed := []part{config, resource("a", "Secret", "a"), resource("b", "Secret", "b")}
	validateAll(t, mirrorValidator, map[string]request{
		"of one content": {new: shoot(listed...), reader: reader(secret("a", true, one), secret("b", true, one))},
		"different": {new: shoot(listed...), reader: reader(secret("a", true, one), secret("b", true, another)), want: []string{
			`spec.extensions[0].providerConfig.mirrors[1].hosts[0].caBundleSecretReferenceName: must name the same CA bundle as another host ` +
				"whose file would be /etc/containerd/certs.d/r.io-5000/m-ca-bundle.pem too"}},
	})
}
