package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"
)

const (
	loopback = "127.0.0.1"
	// maxShoots is how many names of four digits there are.
	maxShoots = 9999
)

// shootNamespace is what the one API server has for kube-system of a shoot. It is as long as that on purpose: the names are
// replaced for each other in whatever encoding the extension asks for, and no length in there changes.
func shootNamespace(name string) string { return "kube-s-" + name }

// shootServer is the API server of one shoot as the extension sees it: an address, a certificate and an authority of its
// own, as a real one has, so that the extension keeps a connection for each shoot. It is a proxy to the one API server,
// where its kube-system is another namespace. It can only be read: the extension writes nothing into a shoot.
type shootServer struct {
	*http.Server
	address string
	ca      []byte // PEM
}

// newShootServer starts the API server of a shoot on the loopback interface.
func newShootServer(namespace string, target *url.URL, transport http.RoundTripper, requests *requests) (*shootServer, error) {
	certificate, ca, err := newCertificate()
	if err != nil {
		return nil, fmt.Errorf("making a certificate of a shoot's API server: %w", err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return nil, fmt.Errorf("listening for a shoot's API server: %w", err)
	}
	s := &shootServer{address: "https://" + listener.Addr().String(), ca: ca}
	s.Server = &http.Server{
		Handler:           requests.countShoot(readOnly(proxy(namespace, target, transport))),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		ConnState:         requests.countConnections,
		ErrorLog:          log.New(io.Discard, "", 0), // connections that the extension drops
		ReadHeaderTimeout: time.Minute,
	}
	go s.ServeTLS(listener, "", "") //nolint:errcheck // it ends with an error when it is closed, in the end
	return s, nil
}

func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			http.Error(w, "the shoots of this measurement are read-only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func proxy(namespace string, target *url.URL, transport http.RoundTripper) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.URL.Path = strings.Replace(r.In.URL.Path, "/namespaces/"+metav1.NamespaceSystem, "/namespaces/"+namespace, 1)
			r.Out.Header.Del("Accept-Encoding") // what is compressed cannot be replaced in
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			body = bytes.ReplaceAll(body, []byte(namespace), []byte(metav1.NamespaceSystem))
			r.Body = io.NopCloser(bytes.NewReader(body))
			return nil
		},
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
	}
}

// newCertificate makes an authority that is its own serving certificate.
func newCertificate() (certificate tls.Certificate, ca []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return certificate, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "kubernetes"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.ParseIP(loopback)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return certificate, nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return certificate, nil, err
	}
	ca, err = cert.EncodeCertificates(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, ca, err
}
