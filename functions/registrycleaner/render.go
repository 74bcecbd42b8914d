// Package registrycleaner renders the DaemonSet that withdraws caches from every node before they go. It serves the kind
// RegistryCleaner.
package registrycleaner

import (
	"errors"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/registrycaches"
	"github.com/registry-cache/registry-cache/functions/shape"
)

// Render returns the objects of a RegistryCleaner. The items are not read. The list holds all faults of the config.
func Render(in input.Config, _ []manifest.Object) ([]manifest.Object, fault.List, error) {
	cleaner := &v1alpha1.RegistryCleaner{}
	errs := decode.Strict(in.Body, cleaner, nil)
	errs = decode.Join(errs, validate(cleaner))
	if len(errs) > 0 {
		return nil, fault.FromFields(fault.Configuration, errs), nil
	}
	objects, err := shape.Get(shape.NewKey("cleaner", string(cleaner.Platform)))
	if err != nil {
		return nil, nil, err
	}
	for _, o := range objects {
		if o.Kind() == "DaemonSet" {
			if err := fill(o, cleaner); err != nil {
				return nil, nil, err
			}
		}
	}
	return objects, nil, nil
}

func validate(cleaner *v1alpha1.RegistryCleaner) (errs field.ErrorList) {
	if cleaner.Platform == "" {
		cleaner.Platform = v1alpha1.PlatformStandalone
	}
	if cleaner.Platform != v1alpha1.PlatformShoot && cleaner.Platform != v1alpha1.PlatformStandalone {
		errs = append(errs, registrycaches.PlatformFault(cleaner.Platform))
	}
	errs = append(errs, registrycaches.ValidateImage(cleaner.Image, field.NewPath("image"))...)
	path := field.NewPath("upstreams")
	if len(cleaner.Upstreams) == 0 {
		errs = append(errs, field.Required(path, "at least one upstream must be provided"))
	}
	seen := map[string]bool{}
	for i, upstream := range cleaner.Upstreams {
		errs = append(errs, registryvalidation.ValidateUpstream(path.Index(i), upstream)...)
		if seen[upstream] {
			errs = append(errs, field.Duplicate(path.Index(i), upstream))
		}
		seen[upstream] = true
	}
	return errs
}

// fill gives the script its arguments: the upstreams, each of them checked to be nothing but host[:port].
func fill(daemonSet manifest.Object, cleaner *v1alpha1.RegistryCleaner) error {
	pod := manifest.Map(daemonSet, "spec", "template", "spec")
	clean, done := manifest.Named(pod["initContainers"], "clean"), manifest.Named(pod["containers"], "done")
	if clean == nil || done == nil {
		return errors.New("the shape of the cleaner must have the containers clean and done")
	}
	args := make([]any, len(cleaner.Upstreams))
	for i, upstream := range cleaner.Upstreams {
		args[i] = upstream
	}
	clean["args"] = args
	if cleaner.Image != "" {
		clean["image"], done["image"] = cleaner.Image, cleaner.Image
	}
	return nil
}
