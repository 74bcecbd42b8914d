package validation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/names"
)

// Warning is about something that is accepted and probably not meant.
type Warning struct {
	// Field is the path of the field, such as "caches[0].http".
	Field string
	// Value is the field's value.
	Value any
	// Message says what the value does and what to do about it.
	Message string
}

// dockerHub has the names under which images of Docker Hub are known.
var dockerHub = map[string]bool{names.DockerHub: true, "index.docker.io": true, "registry-1.docker.io": true}

// WarnRegistryConfig returns what a user should know about a config that is accepted. The config must not have been
// defaulted yet: afterwards an empty http or garbageCollection can no longer be told from what was meant.
func WarnRegistryConfig(config *v1alpha3.RegistryConfig, path *field.Path) []Warning {
	var warnings []Warning
	for i := range config.Caches {
		warnings = append(warnings, warnEmpty(&config.Caches[i], path.Child("caches").Index(i))...)
	}
	return append(warnings, warnDockerHub(config, path)...)
}

// warnEmpty warns of structs without their only field. They mean something else than leaving the struct out, because the
// existing extension has its defaults on the struct.
func warnEmpty(cache *v1alpha3.RegistryCache, path *field.Path) []Warning {
	var warnings []Warning
	if cache.HTTP != nil && cache.HTTP.TLS == nil {
		warnings = append(warnings, Warning{path.Child("http").String(), "{}",
			"TLS is off because http is given without tls; leave http out for the default or set tls"})
	}
	if cache.GarbageCollection != nil && cache.GarbageCollection.TTL == nil {
		warnings = append(warnings, Warning{path.Child("garbageCollection").String(), "{}",
			"content is kept for ever because garbageCollection is given but empty; " +
				"leave it out for the default of 168h, or fill it in"})
	}
	return warnings
}

// warnDockerHub warns of every further cache of Docker Hub: each has a volume of its own for the same content.
func warnDockerHub(config *v1alpha3.RegistryConfig, path *field.Path) []Warning {
	var warnings []Warning
	first := ""
	for i := range config.Caches {
		upstream := config.Caches[i].Upstream
		switch {
		case !dockerHub[upstream]:
		case first == "":
			first = upstream
		case first != upstream:
			warnings = append(warnings, Warning{path.Child("caches").Index(i).Child("upstream").String(), upstream,
				fmt.Sprintf("upstreams %q and %q are the same registry, Docker Hub, but get a cache each; keep one of them", first, upstream)})
		}
	}
	return warnings
}
