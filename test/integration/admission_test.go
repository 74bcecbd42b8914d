//go:build integration

package integration

import (
	"strings"
	"testing"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestAdmission: the API server asks the admission component about Shoots over HTTPS, which it registered itself for.
func TestAdmission(t *testing.T) {
	g := newBareEnv(t).startAdmission()

	g.must(g.json.Create(g.ctx, gardenShoot("valid", cacheExtension, config(plain("docker.io")))))
	g.must(g.json.Create(g.ctx, gardenShoot("mirror", mirrorExtension, mirrors(""))))

	g.expectRefused(gardenShoot("faults", cacheExtension, config(plain("https://docker.io"), plain("quay.io"),
		`{"upstream": "quay.io", "volume": {"size": "0"}, "secretReferenceName": "missing"}`)),
		"spec.extensions[0].providerConfig.caches[0].upstream", "spec.extensions[0].providerConfig.caches[2].upstream: Duplicate value",
		"spec.extensions[0].providerConfig.caches[2].volume.size", "failed to find referenced resource with name missing and kind Secret")
	g.expectRefused(gardenShoot("unknown", cacheExtension, config(`{"upstream": "docker.io", "sice": "1Gi"}`)), "sice")
	g.expectRefused(gardenShoot("mirrorfaults", mirrorExtension, []byte(strings.Replace(string(mirrors("missing")), "http://plain.example", "ftp://plain.example", 1))),
		"spec.extensions[0].providerConfig.mirrors[0].hosts[1].host", "missing")
	both := gardenShoot("both", cacheExtension, config(plain("quay.io")))
	addExtension(both, mirrorExtension, mirrors(""))
	g.expectRefused(both, "quay.io", "also configured as a registry")
	immutable := gardenShoot("valid", cacheExtension, config(`{"upstream": "docker.io", "volume": {"size": "2Gi"}, "http": {"tls": false}}`))
	g.expectRefused(g.latest(immutable), "spec.extensions[0].providerConfig.caches[0].volume.size", "field is immutable")
}

// TestAdmissionOfSecrets: a broken Secret is refused with the config that refers to it, and does not block an update of
// something else later.
func TestAdmissionOfSecrets(t *testing.T) {
	g := newBareEnv(t).startAdmission()
	yes := true
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: projectNamespace, Name: "hub-v1"}, Data: map[string][]byte{"username": []byte("hugo"), "password": []byte("pa55w0rd")},
	}
	shoot := gardenShoot("secret", cacheExtension, config(`{"upstream": "docker.io", "secretReferenceName": "hub"}`))
	shoot.Spec.Resources = []gardencorev1beta1.NamedResourceReference{{
		Name: "hub", ResourceRef: autoscalingv1.CrossVersionObjectReference{APIVersion: "v1", Kind: "Secret", Name: secret.Name},
	}}
	const path = "spec.extensions[0].providerConfig.caches[0].secretReferenceName"
	g.expectRefused(shoot, path, `"garden-dev/hub-v1" does not exist`)
	g.must(g.json.Create(g.ctx, secret))
	g.expectRefused(shoot, path, "should be immutable")
	secret.Immutable = &yes
	g.must(g.json.Update(g.ctx, secret))
	g.must(g.json.Create(g.ctx, shoot.DeepCopy()))

	g.must(g.json.Delete(g.ctx, secret))
	unrelated := g.latest(shoot)
	unrelated.Spec.Region = "elsewhere"
	g.must(g.json.Update(g.ctx, unrelated))
	changed := g.latest(shoot)
	changed.Spec.Extensions[0].ProviderConfig.Raw = config(`{"upstream": "docker.io", "secretReferenceName": "hub", "garbageCollection": {"ttl": "1h"}}`)
	g.expectRefused(changed, path, `"garden-dev/hub-v1" does not exist`)
}

// gardenShoot is a Shoot with an extension, with the label that gardener's API server gives it for that.
func gardenShoot(name, extensionType string, config []byte) *gardencorev1beta1.Shoot {
	shoot := &gardencorev1beta1.Shoot{ObjectMeta: metav1.ObjectMeta{Namespace: projectNamespace, Name: name}}
	shoot.Spec.Region = "local"
	shoot.Spec.Provider = gardencorev1beta1.Provider{Type: "local", Workers: []gardencorev1beta1.Worker{
		{Name: "pool", CRI: &gardencorev1beta1.CRI{Name: gardencorev1beta1.CRINameContainerD}},
	}}
	addExtension(shoot, extensionType, config)
	return shoot
}

func addExtension(shoot *gardencorev1beta1.Shoot, extensionType string, config []byte) {
	metav1.SetMetaDataLabel(&shoot.ObjectMeta, "extensions.extensions.gardener.cloud/"+extensionType, "true")
	shoot.Spec.Extensions = append(shoot.Spec.Extensions, gardencorev1beta1.Extension{
		Type: extensionType, ProviderConfig: &runtime.RawExtension{Raw: config},
	})
}

// latest returns a Shoot with the version of the one that exists, for an update.
func (g *garden) latest(shoot *gardencorev1beta1.Shoot) *gardencorev1beta1.Shoot {
	g.t.Helper()
	live := &gardencorev1beta1.Shoot{}
	g.must(g.json.Get(g.ctx, client.ObjectKeyFromObject(shoot), live))
	shoot = shoot.DeepCopy()
	shoot.ResourceVersion, shoot.UID = live.ResourceVersion, live.UID
	return shoot
}

// expectRefused creates a Shoot, or updates it if it has a version, and fails unless that is refused for all of some reasons.
func (g *garden) expectRefused(shoot *gardencorev1beta1.Shoot, reasons ...string) {
	g.t.Helper()
	write := func(shoot client.Object) error { return g.json.Create(g.ctx, shoot) }
	if shoot.ResourceVersion != "" {
		write = func(shoot client.Object) error { return g.json.Update(g.ctx, shoot) }
	}
	switch err := write(shoot.DeepCopy()); {
	case err == nil:
		g.t.Errorf("the Shoot %s was accepted, want it refused for %q", shoot.Name, reasons)
	case !strings.Contains(err.Error(), "denied the request"):
		g.t.Errorf("the Shoot %s was not refused by the webhook: %v", shoot.Name, err)
	default:
		for _, reason := range reasons {
			if !strings.Contains(err.Error(), reason) {
				g.t.Errorf("the Shoot %s was refused for %v, want also %q", shoot.Name, err, reason)
			}
		}
	}
}
