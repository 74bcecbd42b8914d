// Package monitoring renders what Gardener's monitoring of a shoot cluster needs for the caches: a dashboard, alerts and
// what to scrape. The objects are for the seed, so they are no part of the pipeline's output, which is for the cluster.
package monitoring

import (
	"errors"
	"fmt"

	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/shape"
)

// Values are what the objects depend on. Which caches there are is not among them: rules, dashboard and scrape
// configuration find the caches by their labels and names.
type Values struct {
	// Namespace is the shoot's namespace in the seed.
	Namespace string
	// CASecretName is the name of the Secret in that namespace which has, under bundle.crt, the certificate authorities
	// of the shoot's kube-apiserver. Prometheus sends its token to no server that these do not vouch for.
	CASecretName string
}

// Render returns the ConfigMap, the PrometheusRule and the ScrapeConfig, each a copy that the caller may change. The names
// are always the same, so Render also tells what to delete. An error means that a value is missing or, if not, that this
// module's own YAML is broken.
func Render(values Values) ([]manifest.Object, error) {
	if values.Namespace == "" || values.CASecretName == "" {
		return nil, fmt.Errorf("rendering the monitoring objects: a namespace and the name of a Secret with the CA must be given, got %+v", values)
	}
	objects, err := shape.Get(shape.NewKey("monitoring"))
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		o.SetNamespace(values.Namespace)
		if o.Kind() != "ScrapeConfig" {
			continue
		}
		if err := trust(o, values.CASecretName); err != nil {
			return nil, fmt.Errorf("filling in ScrapeConfig %s: %w", o.Name(), err)
		}
	}
	return objects, nil
}

// trust names the Secret with the CA wherever Prometheus talks to the kube-apiserver: to discover and to scrape.
func trust(scrapeConfig manifest.Object, secret string) error {
	spec := manifest.Map(scrapeConfig, "spec")
	clients := []any{spec}
	discoveries, _ := spec["kubernetesSDConfigs"].([]any)
	for _, client := range append(clients, discoveries...) {
		config, _ := client.(map[string]any)
		ca := manifest.Map(config, "tlsConfig", "ca", "secret")
		if ca == nil {
			return errors.New("each client must have a tlsConfig with a CA from a Secret")
		}
		ca["name"] = secret
	}
	return nil
}
