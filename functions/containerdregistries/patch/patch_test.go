package patch

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const document = `# head
a: {x: 1, "y": [one, two]} # flow
list:
# of the first
- name: first # behind
- name: second
- 'quoted'
empty: []
"key/with~both": old # stays
`

// TestApplyKeepsTheRest: comments, order and styles of what no operation names stay as they are.
func TestApplyKeepsTheRest(t *testing.T) {
	for name, test := range map[string]struct {
		operations []Operation
		want       string
	}{
		"nothing": {nil, document},
		"replace an entry": {
			[]Operation{{Replace, "/list/1", map[string]any{"name": "2nd", "text": "a\nb\n"}}},
			strings.Replace(document, "- name: second\n", "- name: 2nd\n  text: |\n    a\n    b\n", 1),
		},
		"replace keeps the comment above": {
			[]Operation{{Replace, "/list/0", map[string]any{"name": "1st"}}},
			strings.Replace(document, "- name: first # behind\n", "- name: 1st\n", 1),
		},
		"remove an entry": {[]Operation{{Op: Remove, Path: "/list/1"}}, strings.Replace(document, "- name: second\n", "", 1)},
		"append": {
			[]Operation{{Add, "/list/-", map[string]any{"b": true, "a": 493}}},
			strings.Replace(document, "- 'quoted'\n", "- 'quoted'\n- a: 493\n  b: true\n", 1),
		},
		"insert": {
			[]Operation{{Add, "/list/1", "x"}},
			strings.Replace(document, "- name: second\n", "- x\n- name: second\n", 1),
		},
		"add a key": {[]Operation{{Add, "/new", []any{"x"}}}, document + "new:\n- x\n"},
		"add over a key": {
			[]Operation{{Add, "/empty", []any{"x"}}}, strings.Replace(document, "empty: []\n", "empty:\n- x\n", 1),
		},
		"remove a key":  {[]Operation{{Op: Remove, Path: "/empty"}}, strings.Replace(document, "empty: []\n", "", 1)},
		"in flow style": {[]Operation{{Op: Remove, Path: "/a/y/0"}}, strings.Replace(document, "one, two", "two", 1)},
		"escaped key":   {[]Operation{{Op: Remove, Path: "/" + Escape("key/with~both")}}, strings.Replace(document, "\"key/with~both\": old # stays\n", "", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			node := yaml.MustParse(document)
			if err := Apply(node, test.operations); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, node.MustString()); diff != "" {
				t.Errorf("the document differs (-want +got):\n%s", diff)
			}
			checkAsJSON(t, node, test.operations)
		})
	}
}

// checkAsJSON: the same operations do the same to JSON.
func checkAsJSON(t *testing.T, got *yaml.RNode, operations []Operation) {
	t.Helper()
	before, err := yaml.MustParse(document).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(operations)
	if err != nil || len(operations) == 0 {
		return
	}
	decoded, err := jsonpatch.DecodePatch(encoded)
	if err != nil {
		t.Fatal(err)
	}
	want, err := decoded.Apply(before)
	if err != nil {
		t.Fatal(err)
	}
	after, err := got.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !jsonpatch.Equal(want, after) {
		t.Errorf("as JSON the result is %s, as YAML %s", want, after)
	}
}

// TestApplyRefuses: nothing is guessed.
func TestApplyRefuses(t *testing.T) {
	const aliases = "a: &a {x: 1}\nb: *a\nlist: []\ntext: x\ndeep: {x: &x 1}\ny: *x\nanchored: &l [1]\n"
	for name, test := range map[string]struct {
		operation Operation
		want      string
	}{
		"an alias":              {Operation{Add, "/b/y", 1}, "must not be a YAML anchor or alias"},
		"an anchor":             {Operation{Add, "/a/y", 1}, "must not be a YAML anchor or alias"},
		"an anchored list":      {Operation{Add, "/anchored/-", 1}, "must not be a YAML anchor or alias"},
		"a removed anchor":      {Operation{Op: Remove, Path: "/deep"}, "must not be a YAML anchor or alias"},
		"a replaced anchor":     {Operation{Replace, "/deep", 1}, "must not be a YAML anchor or alias"},
		"a key that is missing": {Operation{Op: Remove, Path: "/c"}, `"c" is not there`},
		"a way that is missing": {Operation{Add, "/c/d", 1}, `"c" is not there`},
		"a missing replacement": {Operation{Replace, "/c", 1}, `"c" is not there`},
		"a missing index":       {Operation{Op: Remove, Path: "/list/0"}, `"0" is no index of a list with 0 entries`},
		"an index of no number": {Operation{Op: Remove, Path: "/list/x"}, `"x" is no index`},
		"a text":                {Operation{Add, "/text/x", 1}, "must be an object or a list"},
		"a value of no JSON":    {Operation{Add, "/c", func() {}}, "encoding the value"},
	} {
		err := Apply(yaml.MustParse(aliases), []Operation{test.operation})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
