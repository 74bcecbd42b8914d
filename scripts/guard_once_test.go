//go:build node

package scripts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/test/tree"
)

// onceCases are trees before and after a guard that runs once, with a cache that answers at up and none at down.
func onceCases(up, down string) map[string]struct {
	args          []string
	before, after tree.Tree
} {
	return map[string]struct {
		args          []string
		before, after tree.Tree
	}{
		"answers while missing":   {[]string{"docker.io," + up + "," + hub}, tree.Tree{}, tree.Tree{"docker.io/hosts.toml": inUse(hub, up)}},
		"answers while different": {[]string{"docker.io," + up + "," + hub}, tree.Tree{"docker.io/hosts.toml": inUse(hub, down)}, tree.Tree{"docker.io/hosts.toml": inUse(hub, up)}},
		"answers while direct":    {[]string{"docker.io," + up + "," + hub}, tree.Tree{"docker.io/hosts.toml": direct(hub)}, tree.Tree{"docker.io/hosts.toml": inUse(hub, up)}},
		"answers while legacy":    {[]string{"docker.io," + up + "," + hub}, tree.Tree{"docker.io/hosts.toml": legacy}, tree.Tree{"docker.io/hosts.toml": inUse(hub, up)}},
		"answers while foreign":   {[]string{"docker.io," + up + "," + hub}, tree.Tree{"docker.io/hosts.toml": theirs}, tree.Tree{"docker.io/hosts.toml": theirs}},
		"silent while ours":       {[]string{"docker.io," + down + "," + hub}, tree.Tree{"docker.io/hosts.toml": inUse(hub, down)}, tree.Tree{"docker.io/hosts.toml": direct(hub)}},
		"silent while missing":    {[]string{"docker.io," + down + "," + hub}, tree.Tree{"docker.io/": ""}, tree.Tree{}},
		"silent while missing with another server": {
			[]string{"docker.io," + down + ",https://mirror.gcr.io"}, tree.Tree{}, tree.Tree{"docker.io/hosts.toml": direct("https://mirror.gcr.io")},
		},
		"silent while foreign": {[]string{"docker.io," + down + "," + hub}, tree.Tree{"docker.io/hosts.toml": theirs}, tree.Tree{"docker.io/hosts.toml": theirs}},
		"no longer listed": {
			[]string{"docker.io," + up + "," + hub},
			tree.Tree{"quay.io/hosts.toml": inUse("https://quay.io", up), "r.io/hosts.toml": legacy, "s.io/hosts.toml": theirs},
			tree.Tree{"docker.io/hosts.toml": inUse(hub, up), "s.io/hosts.toml": theirs},
		},
		"none listed": {nil, tree.Tree{"quay.io/hosts.toml": direct("https://quay.io"), "_default/hosts.toml": theirs}, tree.Tree{"_default/hosts.toml": theirs}},
	}
}

// TestGuardOnce runs the guard twice on each tree: the second run changes nothing.
func TestGuardOnce(t *testing.T) {
	up, down := newCache(t, "127.0.0.1"), newCache(t, "127.0.0.1")
	up.up()
	for name, test := range onceCases(up.url(), down.url()) {
		for shell, command := range shells {
			t.Run(name+"/"+shell, func(t *testing.T) {
				n := &node{T: t, shell: command, certs: t.TempDir(), state: t.TempDir()}
				tree.Write(t, n.certs, test.before)
				for run := range 2 {
					if out, err := n.once(test.args...); err != nil {
						t.Fatalf("%v\n%s", err, out)
					}
					if diff := cmp.Diff(test.after, n.tree()); diff != "" {
						t.Errorf("after run %d files differ (-want +got):\n%s", run+1, diff)
					}
				}
			})
		}
	}
}
