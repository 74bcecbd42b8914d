//go:build integration

package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/registry-cache/registry-cache/test/cluster"
)

const mirrorCA = "/etc/containerd/certs.d/quay.io/mirror.example-8443-ca-bundle.pem"

// mirrors is a MirrorConfig for quay.io with a mirror that may have a CA bundle, and one that has not.
func mirrors(bundle string) []byte {
	if bundle != "" {
		bundle = fmt.Sprintf(`, "caBundleSecretReferenceName": %q`, bundle)
	}
	return fmt.Appendf(nil, `{"apiVersion": "mirror.extensions.gardener.cloud/v1alpha1", "kind": "MirrorConfig", "mirrors": [
		{"upstream": "quay.io", "hosts": [{"host": "https://mirror.example:8443", "capabilities": ["pull", "resolve"]%s}, {"host": "http://plain.example"}]}]}`, bundle)
}

// mirrored is what containerd on the nodes is to know of them.
func mirrored(bundle ...string) []extensionsv1alpha1.RegistryConfig {
	server := quayURL
	pull, resolve := extensionsv1alpha1.PullCapability, extensionsv1alpha1.ResolveCapability
	return []extensionsv1alpha1.RegistryConfig{{
		Upstream: "quay.io", Server: &server,
		Hosts: []extensionsv1alpha1.RegistryHost{
			{URL: "https://mirror.example:8443", Capabilities: []extensionsv1alpha1.RegistryCapability{pull, resolve}, CACerts: bundle},
			{URL: "http://plain.example", Capabilities: []extensionsv1alpha1.RegistryCapability{pull}},
		},
	}}
}

// TestOperatingSystemConfigOfMirrors: mirrors with and without a CA bundle, beside caches, and while the Shoot is hibernated.
func TestOperatingSystemConfigOfMirrors(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("mirrors")
	e.awaitWebhooks(e.extension.Webhook)
	e.applyMirrors(s, mirrors(""))
	e.awaitOSC(s, func(osc *extensionsv1alpha1.OperatingSystemConfig) error { return hasMirrors(osc, mirrored()) })

	e.applyMirrors(s, mirrors("mirror-ca"))
	e.awaitRefusal(s, func(err error) bool { return strings.Contains(err.Error(), `"mirror-ca"`) })
	immutable := true
	e.must(s.PutSecret(e.ctx, "mirror-ca", &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "mirror-ca-v1"}, Immutable: &immutable,
		Data: map[string][]byte{"bundle.crt": e.RESTConfig().CAData},
	}))
	e.awaitOSC(s, func(osc *extensionsv1alpha1.OperatingSystemConfig) error { return hasMirrors(osc, mirrored(mirrorCA)) })
	e.expectMirrorBundle(e.applyOSC(s))

	e.reconcile(s, config(secured("docker.io")))
	osc := e.applyOSC(s)
	e.must(hasMirrors(osc, mirrored(mirrorCA)))
	e.expectMirrorBundle(osc)
	e.expectGuard(s, osc, "docker.io https docker-io "+dockerURL)

	e.must(s.Hibernate(e.ctx, true))
	e.awaitOSC(s, func(osc *extensionsv1alpha1.OperatingSystemConfig) error {
		if patched(osc) == nil {
			return fmt.Errorf("the guard is there while the Shoot is hibernated")
		}
		return hasMirrors(osc, mirrored(mirrorCA))
	})
}

// applyMirrors applies the Extension for mirrors as gardenlet does, and waits until it is ready.
func (e *env) applyMirrors(s *cluster.Shoot, config []byte) {
	e.t.Helper()
	e.must(s.ApplyExtension(e.ctx, mirrorExtension, config))
	e.must(s.WaitReady(e.ctx, mirrorExtension))
}

// hasMirrors returns an error unless containerd's registries are exactly these, and all else is gardenlet's or ours.
func hasMirrors(osc *extensionsv1alpha1.OperatingSystemConfig, want []extensionsv1alpha1.RegistryConfig) error {
	if diff := cmp.Diff(want, osc.Spec.CRIConfig.Containerd.Registries); diff != "" {
		return fmt.Errorf("containerd has other registries (-want +got):\n%s", diff)
	}
	return untouched(withoutOurs(osc))
}

func (e *env) expectMirrorBundle(osc *extensionsv1alpha1.OperatingSystemConfig) {
	e.t.Helper()
	if got := e.inlineFile(osc, mirrorCA); got != string(e.RESTConfig().CAData) {
		e.t.Errorf("the mirror's CA bundle is %q", got)
	}
}

// awaitRefusal applies the OperatingSystemConfig until it is refused as is wanted; the cause may be known a moment later.
func (e *env) awaitRefusal(s *cluster.Shoot, wanted func(error) bool) {
	e.t.Helper()
	e.eventually(15*time.Second, func() error {
		_, err := s.ApplyOSC(e.ctx, oscName, purposeReconcile, desiredOSC())
		switch {
		case err == nil:
			return errors.New("the OperatingSystemConfig is not refused")
		case !wanted(err):
			return fmt.Errorf("the OperatingSystemConfig is refused for another reason: %w", err)
		}
		return nil
	})
}
