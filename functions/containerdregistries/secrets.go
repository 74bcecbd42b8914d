package containerdregistries

import (
	mirrorvalidation "github.com/registry-cache/registry-cache/functions/api/mirror/validation"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// bundleKey is the entry of a Secret that holds a CA bundle.
const bundleKey = "bundle.crt"

// findBundles reads the CA bundles that the hosts refer to, and returns the faults of all that is missing or malformed. A
// Secret that several hosts share is complained of once.
func (c *config) findBundles(items []manifest.Object) (list fault.List) {
	known := map[string][]byte{}
	for i := range c.registries {
		for j := range c.registries[i].hosts {
			h := &c.registries[i].hosts[j]
			if h.caSecret == "" {
				continue
			}
			bundle, looked := known[h.caSecret]
			if !looked {
				var faults fault.List
				bundle, faults = c.findBundle(h, items)
				known[h.caSecret] = bundle
				list = append(list, faults...)
			}
			h.bundle = bundle
		}
	}
	return list
}

func (c *config) findBundle(h *host, items []manifest.Object) ([]byte, fault.List) {
	secret, list := input.FindSecret(items, h.caSecret, h.caPath)
	if secret == nil {
		return nil, list
	}
	errs := mirrorvalidation.ValidateCABundleSecret(*secret, h.caPath, h.caSecret, c.immutableSecrets)
	return secret.Data[bundleKey], fault.FromFields(fault.Secret, errs)
}
