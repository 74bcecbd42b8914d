package keeper

import "strings"

// names gives names of repositories and tags a number, as long as somebody has use for it. The empty name is 0.
type names struct {
	ids     map[string]uint32
	entries []name
	free    []uint32
}

type name struct {
	text string
	refs int
}

func newNames() names {
	return names{ids: map[string]uint32{"": 0}, entries: []name{{refs: 1}}}
}

// take returns the number of a name. Each take wants its release.
func (n *names) take(text string) uint32 {
	id, ok := n.ids[text]
	if !ok {
		text = strings.Clone(text) // it may be a part of a long path
		if last := len(n.free) - 1; last >= 0 {
			id, n.free = n.free[last], n.free[:last]
			n.entries[id].text = text
		} else {
			id = uint32(len(n.entries)) //nolint:gosec // fewer names than bytes of memory
			n.entries = append(n.entries, name{text: text})
		}
		n.ids[text] = id
	}
	n.entries[id].refs++
	return id
}

func (n *names) release(id uint32) {
	entry := &n.entries[id]
	if entry.refs--; entry.refs == 0 {
		delete(n.ids, entry.text)
		entry.text = ""
		n.free = append(n.free, id)
	}
}

func (n *names) text(id uint32) string { return n.entries[id].text }
