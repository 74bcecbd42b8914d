package registrycache

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	v1beta1helper "github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/names"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

const (
	// waitServices is how long the resource-manager may take to apply the Services.
	waitServices = 60 * time.Second
	// pollInterval is the time between two looks at something that is waited for.
	pollInterval = time.Second
)

// serviceName returns the name that the cache's Service has, or is to have.
func serviceName(cache *v1alpha3.RegistryCache) string {
	return names.Service(cache.Upstream, cache.ServiceNameSuffix)
}

// liveAddress returns the cluster IP of the cache's Service in the shoot, "" if there is none.
func (o *operation) liveAddress(cache *v1alpha3.RegistryCache) string {
	for i := range o.services {
		service := &o.services[i]
		if service.Name == serviceName(cache) && service.Annotations[names.AnnotationUpstream] == cache.Upstream {
			if _, err := netip.ParseAddr(service.Spec.ClusterIP); err == nil {
				return service.Spec.ClusterIP
			}
		}
	}
	return ""
}

// knownAddresses returns the cluster IPs by upstream: those of the Services in the shoot, and for a Service that is missing
// the one in the status, so that a Service that was deleted by hand comes back as the nodes know it.
func (o *operation) knownAddresses() map[string]string {
	addresses := map[string]string{}
	taken := map[string]bool{}
	for i := range o.services {
		taken[o.services[i].Spec.ClusterIP] = true
	}
	for i := range o.config.Caches {
		cache := &o.config.Caches[i]
		if address := o.liveAddress(cache); address != "" {
			addresses[cache.Upstream] = address
		}
	}
	for _, cache := range o.status().Caches {
		address := endpointAddress(cache.Endpoint)
		// It is taken when the Service has got another name meanwhile, and the old one is not gone yet.
		if address != "" && addresses[cache.Upstream] == "" && !taken[address] && o.isConfigured(cache.Upstream) {
			addresses[cache.Upstream], taken[address] = address, true
		}
	}
	return addresses
}

func (o *operation) isConfigured(upstream string) bool {
	return slices.ContainsFunc(o.config.Caches, func(c v1alpha3.RegistryCache) bool { return c.Upstream == upstream })
}

// endpointAddress returns the address in "scheme://<address>:5000", "" if there is none that a Service could have.
func endpointAddress(endpoint string) string {
	parsed, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	address, err := netip.ParseAddr(parsed.Hostname())
	if err != nil || !address.IsGlobalUnicast() || address.Is4In6() || address.Zone() != "" {
		return ""
	}
	return address.String()
}

// pins are the known addresses, in the order of the config.
func (o *operation) pins() (pins []fnv1alpha1.PinnedService) {
	for i := range o.config.Caches {
		upstream := o.config.Caches[i].Upstream
		if address := o.addresses[upstream]; address != "" {
			pins = append(pins, fnv1alpha1.PinnedService{Upstream: upstream, ClusterIP: address})
		}
	}
	return pins
}

// missingServices are the caches whose Service is not in the shoot, or has no address yet.
func (o *operation) missingServices() (missing []*v1alpha3.RegistryCache) {
	for i := range o.config.Caches {
		if o.liveAddress(&o.config.Caches[i]) == "" {
			missing = append(missing, &o.config.Caches[i])
		}
	}
	return missing
}

// deployServices deploys the Services and waits until each has an address, then deploys them again with every address
// pinned: from then on a Service that is deleted by hand comes back unchanged. If all are there already it waits for nothing.
func (o *operation) deployServices(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, waitServices)
	defer cancel()
	if err := o.renderServices(ctx); err != nil {
		return err
	}
	if len(o.missingServices()) == 0 {
		return nil
	}
	for len(o.missingServices()) > 0 {
		refused, err := o.awaitServices(ctx)
		if err != nil {
			return err
		}
		for _, cache := range refused {
			// Events of one action are told as one, with the text of the first.
			o.warn(reasonAddressLost, "Deploy-"+serviceName(cache), "Service %s cannot have its address %s back and gets another one; "+
				"nodes use the cache for %s again after their next configuration", serviceName(cache), o.addresses[cache.Upstream], cache.Upstream)
			delete(o.addresses, cache.Upstream)
		}
		if len(refused) > 0 {
			if err := o.renderServices(ctx); err != nil {
				return err
			}
		}
	}
	for i := range o.config.Caches {
		cache := &o.config.Caches[i]
		o.addresses[cache.Upstream] = o.liveAddress(cache)
	}
	return o.renderServices(ctx)
}

func (o *operation) renderServices(ctx context.Context) error {
	config, err := o.functionConfig()
	if err != nil {
		return err
	}
	services, err := pipeline.RenderServices(config, o.items)
	if err != nil {
		return faultError(err)
	}
	return o.deploy(ctx, managedResourceServices, services, false)
}

// awaitServices returns when all Services have addresses, or as soon as the resource-manager says that some of them cannot
// have theirs. A wait that takes too long is an error without a code: trying again helps.
func (o *operation) awaitServices(ctx context.Context) (refused []*v1alpha3.RegistryCache, err error) {
	var missing []*v1alpha3.RegistryCache
	var failure string
	err = wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		if err := o.readServices(ctx); err != nil {
			return false, err
		}
		if missing = o.missingServices(); len(missing) == 0 {
			return true, nil
		}
		if failure, err = o.applyFailure(ctx); err != nil {
			return false, err
		}
		refused = o.refusedAddresses(missing, failure)
		return len(refused) > 0, nil
	})
	if err != nil && ctx.Err() != nil && len(missing) > 0 {
		return nil, errors.New(o.waitingFor(missing, failure))
	}
	return refused, err
}

func (o *operation) waitingFor(missing []*v1alpha3.RegistryCache, failure string) string {
	var waiting []string
	for _, cache := range missing {
		waiting = append(waiting, serviceName(cache))
	}
	if failure == "" {
		failure = "the resource-manager has not said why"
	}
	return fmt.Sprintf("the Services %s have no cluster IP in the shoot yet, ManagedResource %q: %s",
		strings.Join(waiting, ", "), managedResourceServices, failure)
}

// applyFailure returns what the resource-manager said last about Services that it could not apply, "" if nothing. That it
// was said about what was deployed last cannot be known: it observes a generation only when all of it has been applied.
func (o *operation) applyFailure(ctx context.Context) (string, error) {
	var resource resourcesv1alpha1.ManagedResource
	if err := o.client.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: managedResourceServices}, &resource); err != nil {
		return "", fmt.Errorf("reading the ManagedResource %q: %w", managedResourceServices, err)
	}
	applied := v1beta1helper.GetCondition(resource.Status.Conditions, resourcesv1alpha1.ResourcesApplied)
	if applied == nil || applied.Status == gardencorev1beta1.ConditionTrue {
		return "", nil
	}
	return applied.Message, nil
}

// refusedAddresses returns the caches whose pinned address the shoot's API server refused, because another Service has it
// or because it is none of the shoot's. The failure must name the Service and the address that it is to have now: one that
// is from before a pin was dropped does not.
func (o *operation) refusedAddresses(missing []*v1alpha3.RegistryCache, failure string) (refused []*v1alpha3.RegistryCache) {
	for _, cache := range missing {
		address := o.addresses[cache.Upstream]
		if address != "" && mentions(failure, address) && mentions(failure, serviceName(cache)) {
			refused = append(refused, cache)
		}
	}
	return refused
}

// mentions says whether a text has a word as a whole: 10.0.0.1 is not in 10.0.0.10, and registry-a not in registry-a-b.
func mentions(text, word string) bool {
	// After an address there may be punctuation, as in "IP 10.0.0.1: provided IP is already allocated."
	return regexp.MustCompile(`(^|[^0-9A-Za-z:.-])` + regexp.QuoteMeta(word) + `($|[^0-9A-Za-z:.-]|[:.]($|[^0-9A-Za-z:.-]))`).MatchString(text)
}
