package v1alpha3_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// TestStatusWithoutCaches: a status made in Go, as a value and as a pointer, has a list even if nobody made one, and says
// nothing of a CA that no cache has.
func TestStatusWithoutCaches(t *testing.T) {
	const want = `{"kind":"RegistryStatus","apiVersion":"registry.extensions.gardener.cloud/v1alpha3","caches":[]}`
	status := v1alpha3.RegistryStatus{TypeMeta: metav1.TypeMeta{
		APIVersion: "registry.extensions.gardener.cloud/v1alpha3", Kind: "RegistryStatus",
	}}
	for _, value := range []any{status, &status} {
		if got := text(t, value); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if status.Caches != nil {
		t.Error("writing a status must not change it")
	}
}
