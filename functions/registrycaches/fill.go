package registrycaches

import (
	"encoding/base64"
	"fmt"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/names"
	"github.com/registry-cache/registry-cache/functions/registryconfig"
	"github.com/registry-cache/registry-cache/functions/shape"
)

// The names by which the parts of a cache are found; bases and overlays use the same.
const (
	container         = "registry-cache"
	volumeCache       = "cache-volume"
	volumeConfig      = "config-volume"
	volumeCerts       = "certs-volume"
	volumeCredentials = "credentials-volume"
)

// filling is one cache on its way from a shape to its own objects.
type filling struct {
	*config
	cache   *v1alpha3.RegistryCache
	secrets *secrets
	// name is the base name of the cache's objects.
	name    string
	objects []manifest.Object
	// statefulSet is the one among the objects.
	statefulSet manifest.Object
}

// cache returns the objects of one cache.
func (c *config) cache(cache *v1alpha3.RegistryCache, secrets *secrets) ([]manifest.Object, error) {
	objects, err := shape.Get(c.shapeKey(cache))
	if err != nil {
		return nil, err
	}
	f := &filling{config: c, cache: cache, secrets: secrets, name: names.Object(cache.Upstream), objects: objects}
	if f.statefulSet, err = f.one("StatefulSet"); err != nil {
		return nil, err
	}
	f.identify()
	f.fillStatefulSet()
	steps := []func() error{f.fillService, f.fillConfig, f.fillCredentials, f.fillTLS, f.fillCertificate, f.fillBudget, f.fillAutoscaler}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("filling in the cache for %q: %w", cache.Upstream, err)
		}
	}
	return f.objects, nil
}

// one returns the only object of a kind that belongs to the cache.
func (f *filling) one(kind string) (manifest.Object, error) {
	var found manifest.Object
	for _, o := range f.objects {
		if o.Kind() != kind {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("the shape has more than one %s", kind)
		}
		found = o
	}
	if found == nil {
		return nil, fmt.Errorf("the shape has no %s", kind)
	}
	return found, nil
}

// identify gives every object its namespace and labels, selectors and templates included.
func (f *filling) identify() {
	for _, o := range f.objects {
		o.SetNamespace(f.namespace())
		o.SetLabel(names.LabelUpstreamHost, "")
		f.relabel(map[string]any(o))
	}
}

// relabel sets the cache's labels wherever the shape has those of the base: in every map with the label upstream-host.
func (f *filling) relabel(value any) {
	switch v := value.(type) {
	case map[string]any:
		if _, ok := v[names.LabelUpstreamHost]; ok {
			v[names.LabelApp], v[names.LabelUpstreamHost] = f.name, names.UpstreamLabel(f.cache.Upstream)
		}
		for _, child := range v {
			f.relabel(child)
		}
	case []any:
		for _, child := range v {
			f.relabel(child)
		}
	}
}

func (f *filling) podTemplate() map[string]any {
	return manifest.Ensure(f.statefulSet, "spec", "template")
}

func (f *filling) fillStatefulSet() {
	f.statefulSet.SetName(f.name)
	pod := manifest.Ensure(f.podTemplate(), "spec")
	registry := manifest.Named(pod["containers"], container)
	if f.Image != "" {
		registry["image"] = f.Image
	}
	if f.cache.Proxy != nil {
		f.fillProxy(registry)
	}
	claim := manifest.Ensure(claimTemplate(f.statefulSet), "spec")
	manifest.Ensure(claim, "resources", "requests")["storage"] = f.cache.Volume.Size.String()
	if class := f.cache.Volume.StorageClassName; class != nil {
		claim["storageClassName"] = *class
	}
}

// fillProxy puts the config's values in place of the Component's references to a ConfigMap.
func (f *filling) fillProxy(registry map[string]any) {
	values := map[string]*string{
		"HTTP_PROXY": f.cache.Proxy.HTTPProxy, "HTTPS_PROXY": f.cache.Proxy.HTTPSProxy, "NO_PROXY": nil,
	}
	var kept []any
	variables, _ := registry["env"].([]any)
	for _, entry := range variables {
		variable, _ := entry.(map[string]any)
		name, _ := variable["name"].(string)
		value, isProxy := values[name]
		switch {
		case !isProxy:
			kept = append(kept, variable)
		case value != nil:
			kept = append(kept, map[string]any{"name": name, "value": *value})
		}
	}
	registry["env"] = kept
}

func (f *filling) fillService() error {
	service, err := f.one("Service")
	if err != nil {
		return err
	}
	service.SetName(names.Service(f.cache.Upstream, f.cache.ServiceNameSuffix))
	service.SetAnnotation(names.AnnotationUpstream, f.cache.Upstream)
	service.SetAnnotation("remote-url", RemoteURL(f.cache))
	if address := f.pins[f.cache.Upstream]; address != "" {
		manifest.Ensure(service, "spec")["clusterIP"] = address
	}
	return nil
}

// RemoteURL is where a cache fetches from.
func RemoteURL(cache *v1alpha3.RegistryCache) string {
	if cache.RemoteURL != nil {
		return *cache.RemoteURL
	}
	return names.RemoteURL(cache.Upstream)
}

func (f *filling) fillConfig() error {
	values := registryconfig.Values{
		RemoteURL: RemoteURL(f.cache),
		TTL:       f.cache.GarbageCollection.TTL.Duration,
		TLS:       f.cache.TLSEnabled(),
	}
	if !f.mountsCredentials(f.cache) {
		values.Username, values.Password = f.secrets.username, f.secrets.password
	}
	text, err := registryconfig.Marshal(values)
	if err != nil {
		return err
	}
	return f.fillUniqueSecret(volumeConfig, "config", map[string][]byte{"config.yml": text})
}

// fillCredentials mounts the upstream's credentials. On platform standalone it is the Secret of the config itself, under its
// own name. On a shoot it is a copy that keeps its name whatever is in it: the registry reads it again when it changes, and no
// pod has to restart.
func (f *filling) fillCredentials() error {
	switch {
	case !f.mountsCredentials(f.cache):
		return nil
	case f.Platform == v1alpha1.PlatformStandalone:
		f.secretVolume(volumeCredentials)["secretName"] = *f.cache.SecretReferenceName
		return nil
	}
	_, err := f.fillSecret(volumeCredentials, "credentials", map[string][]byte{
		"username": []byte(f.secrets.username), "password": []byte(f.secrets.password),
	})
	return err
}

func (f *filling) fillTLS() error {
	switch {
	case !f.cache.TLSEnabled():
		return nil
	case f.Platform == v1alpha1.PlatformStandalone:
		// The key pair comes from the user or from cert-manager, under this name.
		f.secretVolume(volumeCerts)["secretName"] = names.TLSSecret(f.cache.Upstream)
		return nil
	}
	pair := f.secrets.tls.Data
	return f.fillUniqueSecret(volumeCerts, "tls", map[string][]byte{"tls.crt": pair["tls.crt"], "tls.key": pair["tls.key"]})
}

func (f *filling) secretVolume(volume string) map[string]any {
	volumes := manifest.Map(f.podTemplate(), "spec")["volumes"]
	return manifest.Ensure(manifest.Named(volumes, volume), "secret")
}

// fillUniqueSecret fills the Secret that a volume mounts so that the pods restart when its content changes: on a shoot its name
// ends in a hash of the content, on platform standalone the pod template has the hash.
func (f *filling) fillUniqueSecret(volume, role string, data map[string][]byte) error {
	secret, err := f.fillSecret(volume, role, data)
	if err != nil {
		return err
	}
	if f.Platform == v1alpha1.PlatformShoot {
		makeUnique(secret)
		f.refer(secret.Name())
		f.secretVolume(volume)["secretName"] = secret.Name()
		return nil
	}
	manifest.Ensure(f.podTemplate(), "metadata", "annotations")[hashAnnotation(role)] = contentHash(secret)
	return nil
}

// fillSecret fills the Secret that a volume mounts and names it "<cache>-<role>".
func (f *filling) fillSecret(volume, role string, data map[string][]byte) (manifest.Object, error) {
	mount := f.secretVolume(volume)
	var secret manifest.Object
	for _, o := range f.objects {
		if o.Kind() == "Secret" && o.Name() == mount["secretName"] {
			secret = o
		}
	}
	if secret == nil {
		return nil, fmt.Errorf("the shape has no Secret %v, which volume %s mounts", mount["secretName"], volume)
	}
	encoded := make(map[string]any, len(data))
	for key, value := range data {
		encoded[key] = base64.StdEncoding.EncodeToString(value)
	}
	secret["data"] = encoded
	secret.SetName(f.name + "-" + role)
	mount["secretName"] = secret.Name()
	return secret, nil
}

// fillBudget makes the budget for all caches one for this cache.
func (f *filling) fillBudget() error {
	if !f.cache.HighlyAvailable() {
		return nil
	}
	budget, err := f.one("PodDisruptionBudget")
	if err != nil {
		return err
	}
	budget.SetName(f.name)
	manifest.Ensure(budget, "spec", "selector")["matchLabels"] = map[string]any{
		names.LabelApp: f.name, names.LabelUpstreamHost: names.UpstreamLabel(f.cache.Upstream),
	}
	return nil
}

func (f *filling) fillAutoscaler() error {
	if !f.VerticalPodAutoscaler {
		return nil
	}
	autoscaler, err := f.one("VerticalPodAutoscaler")
	if err != nil {
		return err
	}
	autoscaler.SetName(f.name)
	manifest.Ensure(autoscaler, "spec", "targetRef")["name"] = f.name
	return nil
}

// claimTemplate returns the template of the claim that holds the cached content, or nil.
func claimTemplate(statefulSet manifest.Object) map[string]any {
	templates, _ := manifest.Map(statefulSet, "spec")["volumeClaimTemplates"].([]any)
	for _, template := range templates {
		if m, ok := template.(map[string]any); ok && manifest.Text(m, "metadata", "name") == volumeCache {
			return m
		}
	}
	return nil
}
