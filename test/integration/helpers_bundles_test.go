//go:build integration

package integration

import (
	"encoding/json"
	"fmt"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// providerStatus returns what an Extension says of its caches; nil if it says nothing or is no Extension.
func providerStatus(object client.Object) *v1alpha3.RegistryStatus {
	extension, ok := object.(*extensionsv1alpha1.Extension)
	if !ok || extension.Status.ProviderStatus == nil {
		return nil
	}
	status := &v1alpha3.RegistryStatus{}
	if json.Unmarshal(extension.Status.ProviderStatus.Raw, status) != nil {
		return nil
	}
	return status
}

// bundleOf returns the name of the CA bundle in a status, "" if it has none.
func bundleOf(status *v1alpha3.RegistryStatus) string {
	if status.CASecretName == nil {
		return ""
	}
	return *status.CASecretName
}

// statusNames is a status with this CA bundle, "" for none.
func statusNames(bundle string) write {
	return changed("Extension "+cacheExtension, fmt.Sprintf("naming the bundle %q", bundle), func(ex *extensionsv1alpha1.Extension) bool {
		status := providerStatus(ex)
		return status != nil && bundleOf(status) == bundle
	})
}

// orderedBefore returns an error unless the first comes before the end of each of some Secrets.
func (h history) orderedBefore(first write, secrets []corev1.Secret) error {
	if len(secrets) == 0 {
		return fmt.Errorf("there is nothing that could end after the %s", first.name)
	}
	for i := range secrets {
		if err := h.ordered(first, ended("Secret "+secrets[i].Name)); err != nil {
			return err
		}
	}
	return nil
}

// bundlesWereThere returns an error if a status ever named a bundle that did not exist: a webhook that looked then would
// have refused every OperatingSystemConfig. The history must begin before the Extension does, and have Secrets too.
func (h history) bundlesWereThere() error {
	exists, named, seen := map[string]bool{}, "", false
	for _, c := range h {
		gone := c.what == watch.Deleted
		if _, ok := c.object.(*corev1.Secret); ok {
			exists[c.object.GetName()] = !gone
		}
		if status := providerStatus(c.object); status != nil {
			named = bundleOf(status)
			if gone {
				named = ""
			}
			seen = seen || named != ""
		}
		if named != "" && !exists[named] {
			return fmt.Errorf("at version %d the status names the bundle %s, which does not exist", c.version, named)
		}
	}
	if !seen {
		return fmt.Errorf("no status has ever named a bundle")
	}
	return nil
}
