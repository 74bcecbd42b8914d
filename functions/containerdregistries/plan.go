package containerdregistries

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/registry-cache/registry-cache/functions/containerdregistries/guard"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/patch"
	"github.com/registry-cache/registry-cache/functions/fault"
)

const (
	filesPath       = "/spec/files"
	unitsPath       = "/spec/units"
	registriesPath  = "/spec/criConfig/containerd/registries"
	annotationsPath = "/metadata/annotations"
)

// Plan returns the JSON Patch that gives an OperatingSystemConfig what is desired: entries of ours are replaced where they
// are, added at the end, or removed; all else stays. It is empty if nothing needs to change, and for an
// OperatingSystemConfig of another purpose than reconcile. The values in it belong to desired.
//
// The error is a fault.List: another config has something that this one wants too, or a cache has what should be a mirror.
func Plan(desired *Desired, view View) ([]patch.Operation, error) {
	if view.Purpose != PurposeReconcile {
		return nil, nil
	}
	have, err := parseOwned(view.Owned)
	if err != nil {
		return nil, fault.List{itemFault("metadata.annotations["+OwnedAnnotation+"]", err.Error())}
	}
	p := planner{Desired: desired, view: view, have: have}
	if err := p.conflicts().OrNil(); err != nil {
		return nil, err
	}
	operations := planList(filesPath, view.Files, desired.files, func(i int) bool {
		return p.stale(ownedFile+view.Files.Keys[i], view.Files.Keys[i] == guard.ScriptPath || view.Files.Keys[i] == guard.CABundlePath)
	})
	operations = append(operations, planList(unitsPath, view.Units, desired.units, func(i int) bool {
		return p.stale(ownedUnit+view.Units.Keys[i], view.Units.Keys[i] == guard.UnitName)
	})...)
	operations = append(operations, planList(registriesPath, view.Registries, p.wantedRegistries(), p.staleRegistry)...)
	return append(operations, p.planAnnotation()...), nil
}

type planner struct {
	*Desired
	view View
	have owned
}

// conflicts finds what two configs cannot both have.
func (p *planner) conflicts() (list fault.List) {
	refuse := func(at, format string, args ...any) { list = append(list, itemFault(at, fmt.Sprintf(format, args...))) }
	if len(p.registries) > 0 && !p.view.Containerd {
		refuse("spec.criConfig.containerd", "must be there, for the mirrors of %q go into it", p.registries[0].key)
	}
	if len(p.units) > 0 {
		if other := p.have.other(p.Owner, ownedUnit+guard.UnitName); other != "" {
			refuse("spec.units["+guard.UnitName+"]", "must not be that of %s: a node has one guard, so give all registries with probe to one config", other)
		}
	}
	for _, e := range p.files {
		if other := p.have.other(p.Owner, ownedFile+e.key); other != "" && !p.isThere(e) {
			refuse("spec.files["+e.key+"]", "must not be that of %s with another content", other)
		}
	}
	for _, upstream := range p.guarded {
		if other := p.have.other(p.Owner, ownedRegistry+upstream); other != "" {
			refuse(registryField(upstream), "must not have both a cache, of this config, and a mirror, of %s", other)
		}
	}
	caches := p.cachesOfOthers()
	for _, e := range p.registries {
		if other := p.have.other(p.Owner, ownedRegistry+e.key); other != "" {
			refuse(registryField(e.key), "must not have mirrors of this config and of %s", other)
		}
		if !p.YieldToGuard && slices.Contains(caches, e.key) {
			refuse(registryField(e.key), "must not have both a mirror, of this config, and a cache, in the arguments of unit %s", guard.UnitName)
		}
	}
	return list
}

// isThere says whether a file is among the OperatingSystemConfig's just as it is wanted.
func (p *planner) isThere(e entry) bool {
	i := slices.Index(p.view.Files.Keys, e.key)
	return i >= 0 && reflect.DeepEqual(p.view.Files.Content[i], e.value)
}

func registryField(upstream string) string {
	return "spec.criConfig.containerd.registries[" + upstream + "]"
}

// wantedRegistries are the mirrors without those that yield to a guard.
func (p *planner) wantedRegistries() []entry {
	if !p.YieldToGuard {
		return p.registries
	}
	caches := p.cachesOfOthers()
	return slices.DeleteFunc(slices.Clone(p.registries), func(e entry) bool { return slices.Contains(caches, e.key) })
}

// cachesOfOthers returns the upstreams of a guard that this config leaves as it is.
func (p *planner) cachesOfOthers() []string {
	i := slices.Index(p.view.Units.Keys, guard.UnitName)
	if i < 0 || len(p.units) > 0 || p.stale(ownedUnit+guard.UnitName, true) {
		return nil
	}
	content, _ := p.view.Units.Content[i]["content"].(string)
	return guard.Upstreams(content)
}

// stale says whether an entry, not wanted any more, is ours to remove: an earlier run of this config noted that it added
// it, or it is a part of the guard, which is known by its name, and no other config's.
func (p *planner) stale(item string, isGuard bool) bool {
	if p.have.other(p.Owner, item) != "" {
		return false
	}
	return isGuard && p.ownsGuard || p.Owner != "" && p.have.has(p.Owner, item)
}

// staleRegistry: an entry goes if the guard looks after its upstream, for gardener-node-agent would overwrite the guard's
// file, or if an earlier run of this config added it just as it is.
func (p *planner) staleRegistry(i int) bool {
	upstream := p.view.Registries.Keys[i]
	if slices.Contains(p.guarded, upstream) {
		return true
	}
	return p.Owner != "" && p.have.has(p.Owner, ownedRegistry+upstream+"#"+entryHash(p.view.Registries.Content[i]))
}

// planAnnotation notes what this config owns now, which is never nothing: a config has at least one registry.
func (p *planner) planAnnotation() []patch.Operation {
	if p.Owner == "" {
		return nil
	}
	value, at := p.have.with(p.Desired).String(), annotationsPath+"/"+patch.Escape(OwnedAnnotation)
	switch {
	case value == p.view.Owned:
		return nil
	case p.view.Annotations == 0:
		return []patch.Operation{{Op: patch.Add, Path: annotationsPath, Value: map[string]any{OwnedAnnotation: value}}}
	}
	return []patch.Operation{{Op: patch.Add, Path: at, Value: value}}
}

// planList returns the operations that give a list the wanted entries: each in the place of the first with its key, or at
// the end. Others with such a key go, and those that are stale. A list that this empties goes too.
func planList(path string, have Entries, want []entry, stale func(int) bool) []patch.Operation {
	var operations, removals []patch.Operation
	at := func(i int) string { return path + "/" + strconv.Itoa(i) }
	placed := map[string]bool{}
	for i, key := range have.Keys {
		wanted := slices.IndexFunc(want, func(e entry) bool { return e.key == key })
		switch {
		case wanted >= 0 && !placed[key]:
			placed[key] = true
			if !reflect.DeepEqual(want[wanted].value, have.Content[i]) {
				operations = append(operations, patch.Operation{Op: patch.Replace, Path: at(i), Value: want[wanted].value})
			}
		case wanted >= 0 || stale(i):
			removals = append(removals, patch.Operation{Op: patch.Remove, Path: at(i)})
		}
	}
	var added []any
	for _, e := range want {
		if !placed[e.key] {
			added = append(added, e.value)
		}
	}
	if len(removals) == len(have.Keys) { // nothing stays
		switch {
		case len(added) > 0:
			return []patch.Operation{{Op: patch.Add, Path: path, Value: added}}
		case len(removals) > 0:
			return []patch.Operation{{Op: patch.Remove, Path: path}}
		}
		return nil
	}
	slices.Reverse(removals) // from the end, so that no index moves before its turn
	operations = append(operations, removals...)
	for _, value := range added {
		operations = append(operations, patch.Operation{Op: patch.Add, Path: path + "/-", Value: value})
	}
	return operations
}

func itemFault(field, message string) fault.Fault {
	return fault.Fault{Severity: fault.Error, Cause: fault.Item, Field: field, Message: message}
}
