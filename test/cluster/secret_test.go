//go:build integration

package cluster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestReferencedSecret follows a Secret of the project into the seed, changed though it is immutable, and out of it.
func TestReferencedSecret(t *testing.T) {
	ctx := deadline(t)
	shoot, err := shared.NewShoot(ctx, "secrets")
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "upstream"}, Immutable: ptr.To(true)}
	copied := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shoot.Namespace, Name: "ref-upstream"}}
	for _, password := range []string{"old", "new"} {
		secret.Data = map[string][]byte{"password": []byte(password)}
		succeed(t, "putting the Secret", shoot.PutSecret(ctx, "credentials", secret))
		succeed(t, "reading the copy", shared.Client().Get(ctx, client.ObjectKeyFromObject(copied), copied))
		if diff := cmp.Diff(secret.Data, copied.Data); diff != "" {
			t.Errorf("the copy differs (-want +got):\n%s", diff)
		}
	}
	if resources := shoot.Object().Spec.Resources; len(resources) != 1 || resources[0].ResourceRef.Name != "upstream" {
		t.Errorf("the Shoot's resources are %v, want one that refers to the Secret upstream", resources)
	}
	succeed(t, "dropping the Secret", shoot.DropSecret(ctx, "credentials", "upstream"))
	if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(copied), copied); !apierrors.IsNotFound(err) {
		t.Errorf("reading the copy of a dropped Secret: %v, want that it is gone", err)
	}
	if resources := shoot.Object().Spec.Resources; len(resources) != 0 {
		t.Errorf("the Shoot's resources are %v, want none", resources)
	}
	succeed(t, "deleting the shoot", shoot.Delete(ctx))
}
