package operatingsystemconfig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/names"
)

// statusKind is the kind of the Extension's providerStatus in every version.
const statusKind = "RegistryStatus"

// cacheSource takes the caches from the status of the Extension: only there is where they can be reached.
var cacheSource = source{name: CacheName, unpatched: unpatchedCaches, configuration: cacheConfiguration}

func unpatchedCaches(s *shoot) string {
	switch {
	case s.deleting:
		// The nodes go with the Shoot, and the caches may be gone already: an error would be in the way of the deletion.
		return "the Shoot is being deleted"
	case s.hibernated:
		// There are no nodes, and the Extension, which is not reconciled while the Shoot is hibernated, may have no status.
		// gardenlet writes the OperatingSystemConfigs again at wake-up, after it has had the Extension reconciled.
		return "the Shoot is hibernated"
	}
	return ""
}

func cacheConfiguration(ctx context.Context, live client.Reader, _ *shoot, e *extensionsv1alpha1.Extension) (*input.Config, []manifest.Object, error) {
	key := client.ObjectKeyFromObject(e)
	if isNull(e.Status.ProviderStatus) {
		return nil, nil, fmt.Errorf("the extension %s must have a status.providerStatus, which says where the caches are: "+
			"wait until it has been reconciled; its status.lastError says if it cannot be", key)
	}
	status, err := decodeStatus(e.Status.ProviderStatus.Raw)
	if err != nil {
		return nil, nil, fmt.Errorf("decoding status.providerStatus of the extension %s: %w", key, err)
	}
	if len(status.Caches) == 0 {
		return nil, nil, nil
	}
	registries, caSecret, err := registriesOf(status)
	if err != nil {
		return nil, nil, fmt.Errorf("reading status.providerStatus of the extension %s: %w", key, err)
	}
	var items []manifest.Object
	if caSecret != "" {
		secret, err := readSecret(ctx, live, client.ObjectKey{Namespace: e.Namespace, Name: caSecret})
		if err != nil {
			return nil, nil, fmt.Errorf("reading the CA bundle that status.providerStatus of the extension %s names: %w", key, err)
		}
		items = append(items, item(secret, secret.Namespace, caSecret))
	}
	body, err := json.Marshal(registries)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding the registries of the extension %s: %w", key, err)
	}
	return &input.Config{APIVersion: fnv1alpha1.APIVersion, Kind: containerdregistries.Kind, Body: body}, items, nil
}

// isNull says whether a field of any content has none.
func isNull(raw *runtime.RawExtension) bool {
	return raw == nil || len(raw.Raw) == 0 || string(raw.Raw) == "null"
}

// decodeStatus reads a RegistryStatus of any version: the older ones have fewer fields, and none of another meaning. Fields
// that it does not know do no harm here: a newer or the existing controller may have written them.
func decodeStatus(raw []byte) (*v1alpha3.RegistryStatus, error) {
	status := &v1alpha3.RegistryStatus{}
	if err := utiljson.Unmarshal(raw, status); err != nil {
		return nil, err
	}
	if status.Kind != statusKind || !slices.Contains(registry.APIVersions(), status.APIVersion) {
		return nil, fmt.Errorf("must be a %s of one of %s, got %q of %q",
			statusKind, strings.Join(registry.APIVersions(), ", "), status.Kind, status.APIVersion)
	}
	return status, nil
}

// registriesOf makes the node function's config of a status, and returns the name of the Secret with the CA bundle, "" if no
// cache has TLS.
func registriesOf(status *v1alpha3.RegistryStatus) (*fnv1alpha1.ContainerdRegistries, string, error) {
	registries := &fnv1alpha1.ContainerdRegistries{Platform: fnv1alpha1.PlatformShoot}
	registries.APIVersion, registries.Kind = fnv1alpha1.APIVersion, containerdregistries.Kind
	caSecret := ""
	for i := range status.Caches {
		cache := &status.Caches[i]
		host := fnv1alpha1.ContainerdHost{URL: cache.Endpoint}
		if strings.HasPrefix(cache.Endpoint, "https://") {
			if status.CASecretName == nil || *status.CASecretName == "" {
				// Without it no node would trust the cache, and nobody would know why it is not used.
				return nil, "", errors.New("caSecretName must be given for the cache of " + cache.Upstream + ", which is served with https")
			}
			caSecret = *status.CASecretName
			host.CABundleSecretName = caSecret
		}
		server := cache.RemoteURL
		if server == "" { // v1alpha1 and v1alpha2 have none
			server = names.RemoteURL(cache.Upstream)
		}
		registries.Registries = append(registries.Registries, fnv1alpha1.ContainerdRegistry{
			Upstream: cache.Upstream, Server: server, Probe: true, Hosts: []fnv1alpha1.ContainerdHost{host},
		})
	}
	return registries, caSecret, nil
}
