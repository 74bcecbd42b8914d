package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// parseYAML reads a text of one YAML document; empty documents beside it do not count.
func parseYAML(text []byte, path *field.Path) (*value, field.ErrorList) {
	documents, err := yamlDocuments(text)
	switch {
	case err != nil:
		return nil, refuseText(path, "must be valid YAML: "+shorten(strings.TrimPrefix(err.Error(), "yaml: ")))
	case len(documents) > 1:
		return nil, refuseText(path, fmt.Sprintf("must be one YAML document, not %d", len(documents)))
	case len(documents) == 0:
		return &value{}, nil
	}
	r := &yamlReader{}
	root := r.read(documents[0], path, 0)
	if r.refusal != "" {
		return nil, refuseText(path, r.refusal)
	}
	return root, r.faults
}

// yamlDocuments returns the text's documents, without those that hold nothing.
func yamlDocuments(text []byte) ([]*yaml.Node, error) {
	var documents []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		if len(document.Content) == 1 && document.Content[0].ShortTag() != yaml.NodeTagNull {
			documents = append(documents, document.Content[0])
		}
	}
}

// yamlReader turns YAML nodes into a tree, following aliases and merge keys.
type yamlReader struct {
	budget
	faults field.ErrorList
}

func (r *yamlReader) read(node *yaml.Node, path *field.Path, depth int) *value {
	if !r.enter(depth) {
		return &value{}
	}
	switch node.Kind {
	case yaml.AliasNode:
		return r.read(node.Alias, path, depth+1)
	case yaml.MappingNode:
		return r.readObject(node, path, depth)
	case yaml.SequenceNode:
		return r.readList(node, path, depth)
	default:
		return r.readScalar(node, path)
	}
}

func (r *yamlReader) readList(node *yaml.Node, path *field.Path, depth int) *value {
	result := &value{kind: kindList}
	for i, item := range node.Content {
		result.items = append(result.items, r.read(item, path.Index(i), depth+1))
	}
	return result
}

// readObject reads a mapping. What is merged into it ("<<") comes last and gives way to what is written in it.
func (r *yamlReader) readObject(node *yaml.Node, path *field.Path, depth int) *value {
	result := &value{kind: kindObject}
	var merged []*value
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, content := node.Content[i], node.Content[i+1]
		if key.ShortTag() == yaml.MergeTag {
			merged = append(merged, r.read(content, path, depth+1))
			continue
		}
		if name, ok := r.readName(key, path); ok {
			result.members = append(result.members, member{name, r.read(content, path.Child(shorten(name)), depth+1)})
		}
	}
	if len(merged) > 0 {
		r.merge(&value{kind: kindList, items: merged}, result, result.names(), path)
	}
	return result
}

// readName returns the name of a field. Names that YAML reads as numbers or booleans are taken as they are written.
func (r *yamlReader) readName(key *yaml.Node, path *field.Path) (string, bool) {
	if key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	if key.Kind != yaml.ScalarNode {
		r.faults = append(r.faults, field.TypeInvalid(path, field.OmitValueType{}, "must have names as keys, not lists or objects"))
		return "", false
	}
	return key.Value, true
}

// merge adds the fields of an object, or of each object of a list, that the target does not have yet. present holds the
// names of those it has.
func (r *yamlReader) merge(source, target *value, present map[string]bool, path *field.Path) {
	switch source.kind {
	case kindObject:
		for _, candidate := range source.members {
			if !present[candidate.name] {
				present[candidate.name] = true
				target.members = append(target.members, candidate)
			}
		}
	case kindList:
		for _, item := range source.items {
			r.merge(item, target, present, path)
		}
	default:
		r.faults = append(r.faults, field.TypeInvalid(path.Child("<<"), source.shown(), "must be an object or a list of objects to merge"))
	}
}

func (v *value) names() map[string]bool {
	names := make(map[string]bool, len(v.members))
	for _, present := range v.members {
		names[present.name] = true
	}
	return names
}

func (r *yamlReader) readScalar(node *yaml.Node, path *field.Path) *value {
	result, err := scalar(node)
	if err != nil {
		r.faults = append(r.faults, field.TypeInvalid(path, shorten(node.Value), err.Error()))
		return &value{}
	}
	return result
}

var errTag = errors.New("must not have a YAML tag other than !!null, !!bool, !!int, !!float and !!str, and must fit it")

// scalar reads a scalar by its tag, written or resolved by the library: YAML 1.2's, so that a plain yes or on is text.
func scalar(node *yaml.Node) (*value, error) {
	switch node.ShortTag() {
	case yaml.NodeTagNull:
		return &value{}, nil
	case yaml.NodeTagString, "!!timestamp", yaml.MergeTag:
		return &value{kind: kindText, text: node.Value}, nil
	case yaml.NodeTagBool, yaml.NodeTagInt, yaml.NodeTagFloat:
		return plainScalar(node)
	default:
		return nil, errTag
	}
}

// plainScalar reads a boolean or a number, which YAML writes in more ways than JSON.
func plainScalar(node *yaml.Node) (*value, error) {
	var plain any
	if node.Decode(&plain) != nil {
		return nil, errTag
	}
	written, err := json.Marshal(plain)
	if err != nil {
		return nil, errors.New("must be a finite number")
	}
	if _, isBool := plain.(bool); isBool {
		return &value{kind: kindBool, text: string(written)}, nil
	}
	return &value{kind: kindNumber, text: string(written)}, nil
}
