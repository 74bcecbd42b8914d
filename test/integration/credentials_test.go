//go:build integration

package integration

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// private is a cache with credentials.
func private(upstream, reference string) string {
	return fmt.Sprintf(`{"upstream": %q, "volume": {"size": "1Gi"}, "http": {"tls": false}, "secretReferenceName": %q}`, upstream, reference)
}

// credentials is a Secret of the project, immutable as the extension wants it.
func credentials(name string, data map[string]string) *corev1.Secret {
	immutable := true
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Immutable: &immutable, Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	return secret
}

// failsWith applies a config that has a fault, and returns the message after checking that it has exactly one code.
func (e *env) failsWith(s *cluster.Shoot, config []byte, code gardencorev1beta1.ErrorCode) string {
	e.t.Helper()
	e.must(s.ApplyExtension(e.ctx, cacheExtension, config))
	failure, err := s.WaitError(e.ctx, cacheExtension)
	e.must(err)
	if !slices.Equal(failure.Codes, []gardencorev1beta1.ErrorCode{code}) {
		e.t.Errorf("the codes are %v, want %s: %s", failure.Codes, code, failure.Description)
	}
	return failure.Description
}

// allIn returns an error that names the parts that are missing in a text.
func allIn(text string, parts ...string) (err error) {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			err = errors.Join(err, fmt.Errorf("%q is missing in %q", part, text))
		}
	}
	return err
}

// TestCredentialsMissing: an error that says what is missing and where, nothing lost, and all well again, without anybody's
// help, when the Secrets are there.
func TestCredentialsMissing(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("missing")
	e.reconcile(s, config(plain("docker.io")))
	kept := e.expectCaches("docker-io")
	before := e.deployed(s)

	e.must(s.PutSecret(e.ctx, "quay", credentials("quay-v1", map[string]string{"username": "u", "password": "p"})))
	e.must(e.Client().Delete(e.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "ref-quay-v1"}}))
	message := e.failsWith(s, config(private("docker.io", "docker"), private("quay.io", "quay")), gardencorev1beta1.ErrorRetryableConfigurationProblem)
	e.must(allIn(message,
		`providerConfig.caches[0].secretReferenceName: Invalid value: "docker": failed to find referenced resource with name docker and kind Secret in spec.resources of the Shoot`,
		`providerConfig.caches[1].secretReferenceName: Invalid value: "quay": failed to read referenced secret ref-quay-v1`,
		`the secret "quay-v1" must exist in the Shoot's namespace in the garden`))
	e.expectUnchanged(s, before)

	e.must(s.PutSecret(e.ctx, "docker", credentials("docker-v1", map[string]string{"username": "u", "password": "p"})))
	e.must(s.PutSecret(e.ctx, "quay", credentials("quay-v1", map[string]string{"username": "u", "password": "p"})))
	e.must(s.WaitReady(e.ctx, cacheExtension))
	e.expectCaches("docker-io", "quay-io")
	e.expectStatus(s, "docker.io http docker-io", "quay.io http quay-io")
	e.expectKept(kept, "docker-io")
}

// TestCredentialsMalformed: all faults at once, and nothing that the Secret holds gets out.
func TestCredentialsMalformed(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("malformed")
	e.reconcile(s, config(plain("docker.io")))
	e.expectCaches("docker-io")
	before := e.deployed(s)

	const name, word, more = "Zaphod Beeblebrox", "Tr1ll1an-was-here", "Heart-of-G0ld"
	const at = `providerConfig.caches[0].secretReferenceName: Invalid value: "docker": `
	mutable := func(secret *corev1.Secret) *corev1.Secret { secret.Immutable = nil; return secret }
	for i, c := range []struct {
		secret *corev1.Secret
		want   []string
	}{
		{mutable(credentials("all", map[string]string{"username": name, "token": word, "extra": more})), []string{
			at + `the referenced secret "docker" should be immutable`,
			at + `the referenced secret "docker" should have only two data entries`,
			at + `missing "password" data entry in the referenced secret "docker"`,
			at + `the data entry "username" in the referenced secret "docker" contains whitespace`,
		}},
		{mutable(credentials("mutable", map[string]string{"username": more, "password": word})), []string{at + `the referenced secret "docker" should be immutable`}},
		{credentials("extra", map[string]string{"username": more, "password": word, "extra": name}), []string{at + `the referenced secret "docker" should have only two data entries`}},
		{credentials("space", map[string]string{"username": name, "password": word}), []string{at + `the data entry "username" in the referenced secret "docker" contains whitespace`}},
		{credentials("absent", map[string]string{"username": more, "passwort": word}), []string{at + `missing "password" data entry in the referenced secret "docker"`}},
		{credentials("empty", map[string]string{"username": more, "password": " \n"}), []string{at + `the data entry "password" in the referenced secret "docker" is empty`}},
		{credentials("account", map[string]string{"username": "_json_key", "password": `{"private_key": "` + word + `"`}), []string{
			at + `failed to unmarshal ServiceAccount json from the password data entry in the referenced secret "docker"`}},
	} {
		e.must(s.PutSecret(e.ctx, "docker", c.secret))
		message := e.failsWith(s, config(private("docker.io", "docker")), gardencorev1beta1.ErrorRetryableConfigurationProblem)
		if err := allIn(message, c.want...); err != nil || strings.Count(message, at) != len(c.want) {
			t.Errorf("Secret %d, %s: want %d faults: %v: %s", i, c.secret.Name, len(c.want), err, message)
		}
		e.expectNowhere(s, message, name, word, more)
	}
	e.expectUnchangedBut(s, before, "Secret "+s.Namespace+"/ref-")

	e.must(s.PutSecret(e.ctx, "docker", credentials("good", map[string]string{"username": more, "password": word})))
	e.reconcile(s, config(private("docker.io", "docker")))
	e.expectNowhere(s, "", name, word, more)
}

// expectNowhere fails the scenario if a message, an event or the extension's log has one of some texts, or its base64 form.
func (e *env) expectNowhere(s *cluster.Shoot, message string, texts ...string) {
	e.t.Helper()
	var events corev1.EventList
	e.must(e.Client().List(e.ctx, &events, client.InNamespace(s.Namespace)))
	seen := map[string]string{"the message": message, "the log": e.extension.Logs()}
	for i, event := range events.Items {
		seen[fmt.Sprintf("event %d", i)] = event.Message
	}
	for _, text := range texts {
		for where, what := range seen {
			if strings.Contains(what, text) || strings.Contains(what, base64.StdEncoding.EncodeToString([]byte(text))) {
				e.t.Errorf("%s has %q of the Secret", where, text)
			}
		}
	}
}
