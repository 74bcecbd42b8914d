// Package pipeline is the one way from a functionConfig to the objects of a cluster. The controller and the webhook call
// it in-process; the binary registry-cache-fn calls it for kustomize, kpt and the command line. The same input gives the
// same objects at every door.
package pipeline

import (
	"fmt"
	"slices"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	mirrorv1alpha1 "github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry"
	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/registrycaches"
	"github.com/registry-cache/registry-cache/functions/registrycleaner"
)

// function renders one kind: new objects, and patches of the items. It returns all faults of its input, and another error
// only for a defect of its own.
type function func(input.Config, []manifest.Object) ([]manifest.Object, []containerdregistries.Patch, fault.List, error)

// generator makes a function of one that patches no item.
func generator(generate func(input.Config, []manifest.Object) ([]manifest.Object, fault.List, error)) function {
	return func(config input.Config, items []manifest.Object) ([]manifest.Object, []containerdregistries.Patch, fault.List, error) {
		objects, faults, err := generate(config, items)
		return objects, nil, faults, err
	}
}

type kind struct {
	apiVersion, kind string
}

var functions = func() map[kind]function {
	table := map[kind]function{
		{fnv1alpha1.APIVersion, "RegistryCaches"}:                    generator(registrycaches.Render),
		{fnv1alpha1.APIVersion, "RegistryCleaner"}:                   generator(registrycleaner.Render),
		{fnv1alpha1.APIVersion, containerdregistries.Kind}:           containerdregistries.Render,
		{mirrorv1alpha1.APIVersion, containerdregistries.MirrorKind}: containerdregistries.Render,
	}
	for _, version := range registry.APIVersions() {
		table[kind{version, registry.Kind}] = generator(registrycaches.Render)
	}
	return table
}()

// Kinds lists the kinds of functionConfig that can be rendered, each as "<apiVersion> <kind>".
func Kinds() []string {
	var kinds []string
	for k := range functions {
		kinds = append(kinds, k.apiVersion+" "+k.kind)
	}
	slices.Sort(kinds)
	return kinds
}

// Output is what a functionConfig renders to.
type Output struct {
	// Objects were generated; none of the input's items is among them. They are in kustomize's order, each with the
	// annotation that marks what generated it, and belong to the caller.
	Objects []manifest.Object
	// Patches change OperatingSystemConfigs among the items, each by its index.
	Patches []containerdregistries.Patch
	// Remarks are faults that stop nothing: warnings, and information.
	Remarks fault.List
}

// Render renders a functionConfig of one of the Kinds. Items are the objects that the config refers to: Secrets by their
// names, StatefulSets that exist already, and OperatingSystemConfigs to patch; others are not read, and none is changed.
//
// What is wrong with the input comes as a fault.List that holds all of it; any other error is a defect of this module.
// Render is pure and safe for concurrent use.
func Render(config input.Config, items []manifest.Object) (Output, error) {
	render, ok := functions[kind{config.APIVersion, config.Kind}]
	if !ok {
		return Output{}, config.Unknown(Kinds())
	}
	objects, patches, faults, err := render(config, items)
	if err != nil {
		return Output{}, fmt.Errorf("rendering %s %q: %w", config.Kind, config.Name, err)
	}
	if err := faults.OrNil(); err != nil {
		return Output{}, err
	}
	return Output{Objects: finish(config, objects), Patches: patches, Remarks: faults}, nil
}

// RenderServices renders the Services of a RegistryConfig or RegistryCaches and nothing else: they are the same as Render's.
// It needs no TLS key pairs among the items, which cannot exist before the Services have addresses; everything else is
// checked as in Render, with the same errors.
func RenderServices(config input.Config, items []manifest.Object) ([]manifest.Object, error) {
	services, faults, err := registrycaches.RenderServices(config, items)
	if err != nil {
		return nil, fmt.Errorf("rendering the Services of %s %q: %w", config.Kind, config.Name, err)
	}
	if err := faults.OrNil(); err != nil {
		return nil, err
	}
	return finish(config, services), nil
}

// finish marks the objects and puts them in order.
func finish(config input.Config, objects []manifest.Object) []manifest.Object {
	for _, o := range objects {
		o.SetAnnotation(fnv1alpha1.GeneratedByAnnotation, config.Mark())
	}
	manifest.Sort(objects)
	return objects
}
