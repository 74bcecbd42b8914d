//go:build integration

package integration

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const dockerURL, quayURL = "https://registry-1.docker.io", "https://quay.io"

// TestOperatingSystemConfig: the API server asks the extension, over HTTPS and with the authority that the extension has
// registered, and nodes learn of the caches that the status has at that moment.
func TestOperatingSystemConfig(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("osc")
	e.awaitWebhooks(e.extension.Webhook)

	e.reconcile(s, config(plain("docker.io")))
	e.awaitOSC(s, patched)
	e.expectGuard(s, e.applyOSC(s), "docker.io http docker-io "+dockerURL)

	e.reconcile(s, config(secured("quay.io"), plain("docker.io")))
	e.expectGuard(s, e.applyOSC(s), "quay.io https quay-io "+quayURL, "docker.io http docker-io "+dockerURL)
	e.reconcile(s, config(secured("quay.io"), secured("docker.io")))
	e.expectGuard(s, e.applyOSC(s), "quay.io https quay-io "+quayURL, "docker.io https docker-io "+dockerURL)
	e.must(s.RotateCA(e.ctx, gardencorev1beta1.RotationPreparing))
	e.reconcile(s, config(secured("quay.io"), secured("docker.io")))
	e.expectGuard(s, e.applyOSC(s), "quay.io https quay-io "+quayURL, "docker.io https docker-io "+dockerURL)
	if n := strings.Count(e.statusBundle(s), "BEGIN CERTIFICATE"); n != 2 {
		t.Errorf("the bundle has %d authorities, want the old and the new one", n)
	}
	e.reconcile(s, config(plain("docker.io")))
	e.expectGuard(s, e.applyOSC(s), "docker.io http docker-io "+dockerURL)

	provision := desiredOSC()
	provision.Purpose = extensionsv1alpha1.OperatingSystemConfigPurposeProvision
	osc, err := s.ApplyOSC(e.ctx, oscName+"-init", provision.Purpose, provision)
	e.must(err)
	osc.Spec.Purpose = purposeReconcile
	e.must(untouched(osc))
}

// TestOperatingSystemConfigWithoutStatus: nobody knows where the caches are, so nobody may write nodes' configuration. The
// refusal is one that gardenlet tries again after, and then it goes through.
func TestOperatingSystemConfigWithoutStatus(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("nostatus")
	e.awaitWebhooks(e.extension.Webhook)
	e.failsWith(s, config(plain("https://docker.io")), gardencorev1beta1.ErrorConfigurationProblem)

	var status *apierrors.StatusError
	e.awaitRefusal(s, func(err error) bool { return errors.As(err, &status) })
	const want = "must have a status.providerStatus"
	if status.ErrStatus.Code != http.StatusInternalServerError || !strings.Contains(status.Error(), want) {
		t.Errorf("the refusal has the code %d and says %q, want the code 500 and %q", status.ErrStatus.Code, status, want)
	}
	e.reconcile(s, config(plain("docker.io")))
	e.expectGuard(s, e.applyOSC(s), "docker.io http docker-io "+dockerURL)
}
