package cluster

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// files are where a cluster's certificates and keys lie.
type files struct {
	dir string
}

// The names are those that the resource-manager demands for its webhook server, which cannot be switched off.
func (f files) cert() string              { return filepath.Join(f.dir, "tls.crt") }
func (f files) key() string               { return filepath.Join(f.dir, "tls.key") }
func (f files) serviceAccountKey() string { return filepath.Join(f.dir, "service-accounts.key") }
func (f files) tokens() string            { return filepath.Join(f.dir, "tokens.csv") }
func (f files) kubeconfig() string        { return filepath.Join(f.dir, "admin.kubeconfig") }

// writeKeys makes a serving certificate, for the loopback addresses and for those that pods and nodes use, and the key that signs
// the tokens of service accounts.
func (f files) writeKeys() error {
	certificate, key, err := cert.GenerateSelfSignedCertKey(loopback,
		[]net.IP{net.ParseIP("::1"), net.ParseIP(nodeAddress(0).String()), net.ParseIP(kubernetesAddress)},
		[]string{"localhost", "kubernetes.default.svc"})
	if err != nil {
		return fmt.Errorf("generating a serving certificate: %w", err)
	}
	serviceAccountKey, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return fmt.Errorf("generating the key of service accounts: %w", err)
	}
	for name, content := range map[string][]byte{f.cert(): certificate, f.key(): key, f.serviceAccountKey(): serviceAccountKey} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return fmt.Errorf("writing a key of the cluster: %w", err)
		}
	}
	return nil
}
