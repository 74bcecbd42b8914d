package containerdregistries

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// owned is what the annotation of an OperatingSystemConfig says: by the mark of each config what was added for it, as
// "file:<path>", "unit:<name>" or "registry:<upstream>#<hash of the entry>". The hash tells an entry of ours from one that
// somebody else made for the same upstream since, which must not be removed.
type owned map[string][]string

const (
	ownedFile     = "file:"
	ownedUnit     = "unit:"
	ownedRegistry = "registry:"
)

func parseOwned(text string) (owned, error) {
	if text == "" {
		return owned{}, nil
	}
	o := owned{}
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return nil, fmt.Errorf("must be the JSON that this function wrote, or be removed: %w", err)
	}
	return o, nil
}

// String returns the annotation's value.
func (o owned) String() string {
	text, _ := json.Marshal(o) // a map of strings always encodes, with sorted keys
	return string(text)
}

// with returns a copy in which a config owns what it adds now.
func (o owned) with(d *Desired) owned {
	var list []string
	for _, e := range d.files {
		list = append(list, ownedFile+e.key)
	}
	for _, e := range d.units {
		list = append(list, ownedUnit+e.key)
	}
	for _, e := range d.registries {
		list = append(list, ownedRegistry+e.key+"#"+entryHash(e.value))
	}
	slices.Sort(list)
	changed := maps.Clone(o)
	changed[d.Owner] = list
	return changed
}

// has says whether a config owns something: a file or unit by its name, a registry by upstream and content.
func (o owned) has(mark, item string) bool {
	return slices.Contains(o[mark], item)
}

// other returns the mark of another config that owns something; a registry is found by its upstream alone.
func (o owned) other(mark, item string) string {
	for _, candidate := range slices.Sorted(maps.Keys(o)) {
		if candidate != mark && slices.ContainsFunc(o[candidate], func(have string) bool {
			return have == item || strings.HasPrefix(have, item+"#")
		}) {
			return candidate
		}
	}
	return ""
}

func entryHash(value map[string]any) string {
	text, _ := json.Marshal(value) // decoded JSON always encodes, with sorted keys
	return hash(text)[:8]
}
