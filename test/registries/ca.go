package registries

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// certificateLife is plenty for a test and a demo.
const certificateLife = 24 * time.Hour

// CA is a certificate authority made on the spot, known to nobody who is not told.
type CA struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// NewCA makes a certificate authority.
func NewCA() (*CA, error) {
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "registry-cache test CA"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(certificateLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating key of CA: %w", err)
	}
	cert, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing certificate of CA: %w", err)
	}
	return &CA{cert: cert, key: key}, nil
}

// PEM returns the certificate of the CA.
func (c *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})
}

// Pool returns a pool of this CA alone.
func (c *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.cert)
	return pool
}

// IssuePEM returns a server certificate for loopback addresses, and its key.
func (c *CA) IssuePEM() (certificate, key []byte, err error) {
	return c.issue("localhost", net.IPv4(127, 0, 0, 1).String(), net.IPv6loopback.String())
}

// issue returns a server certificate for host names and addresses, of which the first is its subject, and its key.
func (c *CA) issue(hosts ...string) (certificate, key []byte, err error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: hosts[0]},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(certificateLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	leaf, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generating key of server: %w", err)
	}
	cert, err := sign(template, c.cert, leaf.Public(), c.key)
	if err != nil {
		return nil, nil, fmt.Errorf("signing certificate of server: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(leaf)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding key of server: %w", err)
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Issue returns a server certificate for loopback addresses.
func (c *CA) Issue() (tls.Certificate, error) {
	certificate, key, err := c.IssuePEM()
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certificate, key)
}

// IssueFor returns a server certificate for host names and addresses, of which there must be one.
func (c *CA) IssueFor(hosts ...string) (tls.Certificate, error) {
	certificate, key, err := c.issue(hosts...)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certificate, key)
}

// IssuePEMFor returns the same in PEM: the certificate and its key.
func (c *CA) IssuePEMFor(hosts ...string) (certificate, key []byte, err error) {
	return c.issue(hosts...)
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
