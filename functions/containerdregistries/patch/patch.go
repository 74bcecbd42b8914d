// Package patch has the operations of a JSON Patch (RFC 6902) that the functions need: a webhook answers with them as they
// are, and the file doors apply them to YAML nodes in place, so that comments, order and style of all else stay.
package patch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// The operations; RFC 6902 has more.
const (
	Add     = "add"
	Remove  = "remove"
	Replace = "replace"
)

// Operation is one operation of a JSON Patch. A list of them, encoded as JSON, is the patch.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Escape makes a key a part of a path.
func Escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

func unescape(part string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
}

// Apply changes a YAML node in place. It refuses what would change beyond the paths of the operations too: anchors and
// aliases, which share their content with other places.
func Apply(node *yaml.RNode, operations []Operation) error {
	for _, o := range operations {
		if err := apply(node.YNode(), o); err != nil {
			return fmt.Errorf("applying %q to %s: %w", o.Op, o.Path, err)
		}
	}
	return nil
}

func apply(node *yaml.Node, o Operation) error {
	parts := strings.Split(strings.TrimPrefix(o.Path, "/"), "/")
	for i, part := range parts {
		parts[i] = unescape(part)
	}
	last := len(parts) - 1
	for _, part := range parts[:last] {
		next, err := child(node, part)
		if err != nil {
			return err
		}
		node = next
	}
	if o.Op == Remove {
		return remove(node, parts[last])
	}
	value, err := encode(o.Value)
	if err != nil {
		return err
	}
	return set(node, parts[last], o.Op, value)
}

var errAnchor = errors.New("must not be a YAML anchor or alias, which is changed in two places")

// hasAnchor says whether another place may refer to something in the node.
func hasAnchor(node *yaml.Node) bool {
	return node.Anchor != "" || slices.ContainsFunc(node.Content, hasAnchor)
}

// child returns the node at a key of a mapping or an index of a sequence.
func child(node *yaml.Node, part string) (*yaml.Node, error) {
	i, err := position(node, part)
	if err != nil {
		return nil, err
	}
	if i < 0 {
		return nil, fmt.Errorf("%q is not there", part)
	}
	return node.Content[i], nil
}

// position returns where in the node's content the value at a key or an index is, or -1.
func position(node *yaml.Node, part string) (int, error) {
	if node.Anchor != "" {
		return -1, errAnchor
	}
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == part {
				return i + 1, nil
			}
		}
		return -1, nil
	case yaml.SequenceNode:
		i, err := strconv.Atoi(part)
		if err != nil || i < 0 || i >= len(node.Content) {
			return -1, fmt.Errorf("%q is no index of a list with %d entries", part, len(node.Content))
		}
		return i, nil
	case yaml.AliasNode:
		return -1, errAnchor
	default:
		return -1, errors.New("must be an object or a list")
	}
}

func remove(node *yaml.Node, part string) error {
	i, err := position(node, part)
	switch {
	case err != nil:
		return err
	case i < 0:
		return fmt.Errorf("%q is not there", part)
	case hasAnchor(node.Content[i]):
		return errAnchor
	case node.Kind == yaml.MappingNode:
		node.Content = slices.Delete(node.Content, i-1, i+1)
	default:
		node.Content = slices.Delete(node.Content, i, i+1)
	}
	return nil
}

func set(node *yaml.Node, part, op string, value *yaml.Node) error {
	if node.Kind == yaml.SequenceNode && part == "-" && op == Add && node.Anchor == "" {
		node.Content = append(node.Content, value)
		return nil
	}
	i, err := position(node, part)
	switch {
	case err != nil:
		return err
	case i >= 0 && (node.Kind == yaml.MappingNode || op == Replace):
		old := node.Content[i]
		if hasAnchor(old) {
			return errAnchor
		}
		value.HeadComment, value.FootComment = old.HeadComment, old.FootComment
		node.Content[i] = value
	case i >= 0:
		node.Content = slices.Insert(node.Content, i, value)
	case op == Replace:
		return fmt.Errorf("%q is not there", part)
	default:
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: part}
		node.Content = append(node.Content, key, value)
	}
	return nil
}

// encode makes a node of a value, in the style of the other doors: sorted keys, no flow style.
func encode(value any) (*yaml.Node, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding the value: %w", err)
	}
	if text, err = sigsyaml.JSONToYAML(text); err != nil {
		return nil, fmt.Errorf("encoding the value: %w", err)
	}
	node, err := yaml.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("parsing the value: %w", err)
	}
	return node.YNode(), nil
}
