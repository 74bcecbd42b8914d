// Package program has the flag that says which program the caches of all Shoots run. The extension and its admission component
// must be given the same: what the one deploys decides what the other may let through.
package program

import (
	"fmt"
	"slices"

	"github.com/gardener/gardener/extensions/pkg/controller/cmd"
	"github.com/spf13/pflag"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
)

// FlagName is the name of the flag.
const FlagName = "registry"

// Option is the flag --registry.
type Option struct {
	name string
}

var _ cmd.Option = (*Option)(nil)

// AddFlags implements gardener's Flagger.
func (o *Option) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.name, FlagName, string(fnv1alpha1.RegistryCache), "What the caches run: registry-cache, this project's own, "+
		"or distribution, the registry of github.com/distribution/distribution as it is. The extension and its admission component must be given the same.")
}

// Complete implements gardener's Completer. It gives an error if there is no such program.
func (o *Option) Complete() error {
	if !slices.Contains(fnv1alpha1.Registries(), o.Registry()) {
		return fmt.Errorf("reading --%s: it must be one of %q, got %q", FlagName, fnv1alpha1.Registries(), o.name)
	}
	return nil
}

// Registry returns the program, after Complete.
func (o *Option) Registry() fnv1alpha1.Registry {
	return fnv1alpha1.Registry(o.name)
}
