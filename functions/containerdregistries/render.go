// Package containerdregistries says what containerd on the nodes should use: caches, which the guard looks after, and
// mirrors. On Gardener it patches OperatingSystemConfigs, on a plain cluster it renders the node configurator. It serves the
// kinds ContainerdRegistries and MirrorConfig.
//
// A webhook calls DesiredOf once, and then ViewOf and Plan for each OperatingSystemConfig; Render does the same for the items
// of a ResourceList.
package containerdregistries

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/patch"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// Patch is what changes in one of the items.
type Patch struct {
	// Item is the item's index.
	Item int
	// Operations are a JSON Patch.
	Operations []patch.Operation
}

// Render returns what a config changes in the OperatingSystemConfigs among the items, or on platform standalone the objects
// of the node configurator. A MirrorConfig, which names no platform, is for a shoot if there is any OperatingSystemConfig. Of
// the items it also reads the Secrets with CA bundles. The list holds all faults; another error is a defect of this module.
func Render(in input.Config, items []manifest.Object) ([]manifest.Object, []Patch, fault.List, error) {
	platform := v1alpha1.PlatformStandalone
	for _, item := range items {
		if IsOperatingSystemConfig(item.APIVersion(), item.Kind()) {
			platform = v1alpha1.PlatformShoot
		}
	}
	c, list := decodeConfig(in, platform)
	list = append(list, c.findBundles(items)...)
	if list.OrNil() != nil {
		return nil, nil, list, nil
	}
	if c.platform == v1alpha1.PlatformStandalone {
		objects, err := c.standalone(in)
		return objects, nil, nil, err
	}
	desired, list, err := c.desired(in.Kind == Kind)
	if err != nil {
		return nil, nil, nil, err
	}
	desired.Owner = in.Mark()
	patches, faults, err := patchItems(desired, items)
	return nil, patches, append(list, faults...), err
}

// IsOperatingSystemConfig recognises what is patched.
func IsOperatingSystemConfig(apiVersion, kind string) bool {
	return apiVersion == OperatingSystemConfigAPIVersion && kind == OperatingSystemConfigKind
}

func patchItems(desired *Desired, items []manifest.Object) (patches []Patch, list fault.List, err error) {
	found := false
	for i, item := range items {
		if !IsOperatingSystemConfig(item.APIVersion(), item.Kind()) {
			continue
		}
		operations, purpose, err := planItem(desired, item)
		found = found || purpose == PurposeReconcile
		var faults fault.List
		if errors.As(err, &faults) {
			list = append(list, of(item, faults)...)
		} else if err != nil {
			return nil, nil, err
		}
		if len(operations) > 0 {
			patches = append(patches, Patch{Item: i, Operations: operations})
		}
	}
	if !found {
		list = append(list, fault.Fault{
			Severity: fault.Warning, Cause: fault.Item,
			Message: "no OperatingSystemConfig of purpose reconcile is among the items: nothing is configured",
		})
	}
	return patches, list, nil
}

func planItem(desired *Desired, item manifest.Object) ([]patch.Operation, string, error) {
	text, err := json.Marshal(item)
	if err != nil {
		return nil, "", fmt.Errorf("encoding %s: %w", item.ID(), err)
	}
	view, err := ViewOf(text)
	if err != nil {
		return nil, "", fault.List{itemFault("", wrongType(err))}
	}
	operations, err := Plan(desired, view)
	return operations, view.Purpose, err
}

// wrongType says which field of an item cannot be read, without Go's names for its type.
func wrongType(err error) string {
	var typeError *json.UnmarshalTypeError
	if errors.As(err, &typeError) && typeError.Field != "" {
		return fmt.Sprintf("must be an OperatingSystemConfig: %s must not be a %s", typeError.Field, typeError.Value)
	}
	return "must be an OperatingSystemConfig: its spec cannot be read"
}

// of says which item the faults are in; those of the config stay.
func of(item manifest.Object, faults fault.List) fault.List {
	for i := range faults {
		faults[i].Object = &fault.Object{
			APIVersion: item.APIVersion(), Kind: item.Kind(), Namespace: item.Namespace(), Name: item.Name(),
			Path: item.FilePath(),
		}
	}
	return faults
}
