package admission

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/gardener/gardener/pkg/apis/core"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/decode"
)

// change is what is asked of one extension of a Shoot.
type change struct {
	// shoot is the new Shoot, oldShoot the one that it replaces; nil if the Shoot is created.
	shoot, oldShoot *core.Shoot
	extensionType   string
	// extension is what the Shoot asks for, old what it had: nil if it was not enabled before.
	extension, old *extension
}

// extension is an enabled extension of a Shoot.
type extension struct {
	// text is the providerConfig; nil if there is none.
	text []byte
	// path is where the providerConfig stands.
	path *field.Path
}

// changeOf returns what a request asks of the extension; nil if there is nothing to validate. A Shoot that is being deleted
// is let through: a refusal would keep its finalizers from being removed, and the config is of no use any more.
func changeOf(newObj, oldObj client.Object, extensionType string) (*change, error) {
	c := &change{extensionType: extensionType}
	var ok bool
	if c.shoot, ok = newObj.(*core.Shoot); !ok {
		return nil, fmt.Errorf("wrong object type %T", newObj)
	}
	if oldObj != nil {
		if c.oldShoot, ok = oldObj.(*core.Shoot); !ok {
			return nil, fmt.Errorf("wrong object type %T", oldObj)
		}
	}
	c.extension = findExtension(c.shoot, extensionType)
	if c.shoot.DeletionTimestamp != nil || c.extension == nil {
		return nil, nil
	}
	c.old = findExtension(c.oldShoot, extensionType)
	return c, nil
}

// findExtension returns the Shoot's extension of a type, nil if there is none. One that is disabled counts as none: Gardener
// makes no Extension of it.
func findExtension(shoot *core.Shoot, extensionType string) *extension {
	if shoot == nil {
		return nil
	}
	for i := range shoot.Spec.Extensions {
		e := &shoot.Spec.Extensions[i]
		if e.Type != extensionType || e.Disabled != nil && *e.Disabled {
			continue
		}
		found := &extension{path: field.NewPath("spec", "extensions").Index(i).Child("providerConfig")}
		if e.ProviderConfig != nil && isGiven(e.ProviderConfig.Raw) {
			found.text = e.ProviderConfig.Raw
		}
		return found
	}
	return nil
}

func isGiven(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) > 0 && string(text) != "null"
}

// sameText says whether the extension was enabled before with the same providerConfig, whatever it says: also one that
// cannot be decoded must not block an update of something else.
func (c *change) sameText() bool {
	if c.old == nil {
		return false
	}
	return decode.SameJSON(c.extension.text, c.old.text)
}

// validateContainerRuntimes refuses workers without containerd, the only runtime that we configure. A worker that names no
// runtime gets Gardener's default, containerd. A worker that was there already, with the extension enabled, is spared.
func (c *change) validateContainerRuntimes() (faults field.ErrorList) {
	for i := range c.shoot.Spec.Provider.Workers {
		worker := &c.shoot.Spec.Provider.Workers[i]
		if worker.CRI == nil || worker.CRI.Name == core.CRINameContainerD || c.old != nil && hasWorker(c.oldShoot, worker) {
			continue
		}
		faults = append(faults, field.Invalid(field.NewPath("spec", "provider", "workers").Index(i).Child("cri", "name"), worker.CRI.Name,
			fmt.Sprintf("container runtime needs to be containerd when the %s extension is enabled", c.extensionType)))
	}
	return faults
}

// hasWorker says whether the Shoot has the worker with the same runtime.
func hasWorker(shoot *core.Shoot, worker *core.Worker) bool {
	return slices.ContainsFunc(shoot.Spec.Provider.Workers, func(w core.Worker) bool {
		return w.Name == worker.Name && w.CRI != nil && w.CRI.Name == worker.CRI.Name
	})
}
