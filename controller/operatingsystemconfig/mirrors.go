package operatingsystemconfig

import (
	"context"
	"fmt"
	"slices"

	"github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	mirrorv1alpha1 "github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// mirrorSource takes the mirrors from the providerConfig of the Extension, which is all that there is: mirrors are not
// deployed. Admission refuses a Shoot with a mirror and a cache of one upstream.
var mirrorSource = source{name: MirrorName, unpatched: unpatchedMirrors, configuration: mirrorConfiguration, yieldToGuard: true}

// unpatchedMirrors: while a Shoot is hibernated its mirrors are where they were, so there is nothing to wait for.
func unpatchedMirrors(s *shoot) string {
	if s.deleting {
		// The nodes go with the Shoot, and so may Secrets: an error would be in the way of the deletion.
		return "the Shoot is being deleted"
	}
	return ""
}

func mirrorConfiguration(ctx context.Context, live client.Reader, s *shoot, e *extensionsv1alpha1.Extension) (*input.Config, []manifest.Object, error) {
	key := client.ObjectKeyFromObject(e)
	if isNull(e.Spec.ProviderConfig) {
		return nil, nil, fmt.Errorf("the extension %s must have a spec.providerConfig, which lists the mirrors: give the Shoot's extension one", key)
	}
	config, err := input.Parse(e.Spec.ProviderConfig.Raw)
	if err == nil && (config.APIVersion != mirrorv1alpha1.APIVersion || config.Kind != containerdregistries.MirrorKind) {
		err = config.Unknown([]string{mirrorv1alpha1.APIVersion + " " + containerdregistries.MirrorKind})
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decoding spec.providerConfig of the extension %s: %w", key, err)
	}
	bundles, err := s.bundles(config.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the CA bundles that the extension %s refers to: %w", key, err)
	}
	var items []manifest.Object
	for _, b := range bundles {
		secret, err := readSecret(ctx, live, client.ObjectKey{Namespace: e.Namespace, Name: b.copy})
		if err != nil {
			return nil, nil, fmt.Errorf("reading the CA bundle %q that the extension %s refers to: %w", b.reference, key, err)
		}
		// Without a namespace: faults name it as the Shoot does, and not by the name of its copy.
		items = append(items, item(secret, "", b.reference))
	}
	return &config, items, nil
}

// bundle is a CA bundle: the name by which the config refers to it, and the name of the Secret's copy, which gardenlet keeps in
// the namespace of the Shoot in the seed.
type bundle struct {
	reference, copy string
}

// bundles finds the CA bundles that a config refers to among the resources of the Shoot, each once. A config that does not
// decode has none: the node function decodes it strictly and says what is wrong.
func (s *shoot) bundles(body []byte) (bundles []bundle, err error) {
	config := &mirrorv1alpha1.MirrorConfig{}
	if utiljson.Unmarshal(body, config) != nil {
		config.Mirrors = nil
	}
	var faults field.ErrorList
	for i := range config.Mirrors {
		for j := range config.Mirrors[i].Hosts {
			name := config.Mirrors[i].Hosts[j].CABundleSecretReferenceName
			if name == nil || slices.ContainsFunc(bundles, func(b bundle) bool { return b.reference == *name }) {
				continue
			}
			path := field.NewPath("mirrors").Index(i).Child("hosts").Index(j).Child("caBundleSecretReferenceName")
			if secret := s.secret(*name); secret != "" {
				bundles = append(bundles, bundle{reference: *name, copy: v1beta1constants.ReferencedResourcesPrefix + secret})
			} else {
				faults = append(faults, field.Invalid(path, *name, "must be the name of an entry of the Shoot's spec.resources with kind Secret"))
			}
		}
	}
	if err := fault.FromFields(fault.Secret, faults).OrNil(); err != nil {
		return nil, err
	}
	return bundles, nil
}

// secret returns the name of the Secret that the Shoot refers to by a name, "" if there is none.
func (s *shoot) secret(reference string) string {
	if r := helper.GetResourceByName(s.resources, reference); r != nil && r.ResourceRef.Kind == "Secret" {
		return r.ResourceRef.Name
	}
	return ""
}
