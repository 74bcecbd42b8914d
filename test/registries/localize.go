package registries

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Replacements are the addresses and folders that make a config.yml for a pod one for this machine. An empty one is an
// error if the file has the key.
type Replacements struct {
	Addr          string // http.addr
	DebugAddr     string // http.debug.addr
	RootDirectory string // storage.filesystem.rootdirectory
	RemoteURL     string // proxy.remoteurl
	Certificate   string // http.tls.certificate
	Key           string // http.tls.key
}

// replaceable is one key of config.yml that Localize replaces.
type replaceable struct {
	path     string
	optional bool
	value    func(Replacements) string
}

// replaceables is all that Localize may touch.
var replaceables = []replaceable{
	{"http.addr", false, func(r Replacements) string { return r.Addr }},
	{"http.debug.addr", true, func(r Replacements) string { return r.DebugAddr }},
	{"http.tls.certificate", true, func(r Replacements) string { return r.Certificate }},
	{"http.tls.key", true, func(r Replacements) string { return r.Key }},
	{"proxy.remoteurl", false, func(r Replacements) string { return r.RemoteURL }},
	{"storage.filesystem.rootdirectory", false, func(r Replacements) string { return r.RootDirectory }},
}

// variable is the name under which the registry reads a key from its environment.
func variable(path string) string {
	return "REGISTRY_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// Localize returns config with its addresses and folders replaced, and the difference, one line per replaced key:
//
//	http.addr: ":5000" -> "127.0.0.1:41234"
//
// Every other byte stays as it is. The difference is not what was meant to be replaced but what a comparison of the two
// files found; anything else in it is an error.
func Localize(config []byte, replacements Replacements) (localized []byte, diff []string, err error) {
	document, err := parse(config)
	if err != nil {
		return nil, nil, fmt.Errorf("parsing config.yml: %w", err)
	}
	localized, wanted := config, map[string]string{}
	var edits []edit
	for _, key := range replaceables {
		node, value := find(document, key.path), key.value(replacements)
		switch {
		case node == nil && key.optional:
			continue
		case node == nil:
			return nil, nil, fmt.Errorf("%s is missing", key.path)
		case value == "":
			return nil, nil, fmt.Errorf("%s must be replaced, but there is no replacement", key.path)
		}
		e, err := newEdit(config, node, value)
		if err != nil {
			return nil, nil, fmt.Errorf("replacing %s: %w", key.path, err)
		}
		edits, wanted[key.path] = append(edits, e), value
	}
	slices.SortFunc(edits, func(a, b edit) int { return b.start - a.start }) // from the end, so that offsets hold
	for _, e := range edits {
		localized = slices.Concat(localized[:e.start], []byte(e.text), localized[e.end:])
	}
	diff, err = compare(config, localized, wanted)
	return localized, diff, err
}

// LocalizeEnv does the same for those variables of a registry's environment that stand for the same keys.
func LocalizeEnv(env map[string]string, replacements Replacements) (localized map[string]string, diff []string) {
	localized = maps.Clone(env)
	for _, key := range replaceables {
		name, value := variable(key.path), key.value(replacements)
		if old, set := env[name]; set && old != value {
			localized[name] = value
			diff = append(diff, fmt.Sprintf("env %s: %q -> %q", name, old, value))
		}
	}
	return localized, diff
}

// parse reads the one document that a config.yml is.
func parse(config []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(config))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("it must be exactly one document")
	}
	return document.Content[0], nil
}

// find returns the value at a path of mapping keys, or nil.
func find(node *yaml.Node, path string) *yaml.Node {
	for part := range strings.SplitSeq(path, ".") {
		var next *yaml.Node
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == part {
				next = node.Content[i+1]
			}
		}
		if next == nil {
			return nil
		}
		node = next
	}
	return node
}

// edit replaces the bytes from start to end.
type edit struct {
	start, end int
	text       string
}

// newEdit returns the edit that gives the scalar at node another value, double-quoted.
func newEdit(config []byte, node *yaml.Node, value string) (edit, error) {
	if node.Kind != yaml.ScalarNode {
		return edit{}, errors.New("it is not a scalar")
	}
	start := 0
	for range node.Line - 1 {
		start += bytes.IndexByte(config[start:], '\n') + 1
	}
	line, _, _ := strings.Cut(string(config[start:]), "\n")
	indent := len(string([]rune(line)[:node.Column-1])) // yaml counts characters
	length, err := tokenLength(line[indent:], node)
	if err != nil {
		return edit{}, err
	}
	start += indent
	return edit{start: start, end: start + length, text: strconv.Quote(value)}, nil
}

// tokenLength returns how many bytes the scalar takes that starts text.
func tokenLength(text string, node *yaml.Node) (int, error) {
	switch {
	case node.Style == yaml.DoubleQuotedStyle:
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return i + 1, nil
			}
		}
	case node.Style == yaml.SingleQuotedStyle:
		for i := 1; i < len(text); i++ {
			switch {
			case strings.HasPrefix(text[i:], "''"):
				i++
			case text[i] == '\'':
				return i + 1, nil
			}
		}
	case node.Style == 0 && node.Value != "" && strings.HasPrefix(text, node.Value):
		return len(node.Value), nil
	}
	return 0, errors.New("it is not a simple scalar on one line")
}

// compare returns the lines of difference between two files, and an error if they differ in anything but wanted.
func compare(before, after []byte, wanted map[string]string) ([]string, error) {
	old, err := leaves(before)
	if err != nil {
		return nil, fmt.Errorf("reading config.yml: %w", err)
	}
	changed, err := leaves(after)
	if err != nil {
		return nil, fmt.Errorf("reading localized config.yml: %w", err)
	}
	if len(old) != len(changed) {
		return nil, errors.New("localizing config.yml would add or remove keys")
	}
	var diff []string
	for i, o := range old {
		c := changed[i]
		value, replaced := wanted[c.path]
		if c.path != o.path || (!replaced && c != o) || (replaced && c.value != value) {
			return nil, fmt.Errorf("localizing config.yml would change %s", o.path)
		}
		if c.value != o.value {
			diff = append(diff, fmt.Sprintf("%s: %q -> %q", c.path, o.value, c.value))
		}
	}
	return diff, nil
}

// leaf is one scalar, or one empty list or map, of a file.
type leaf struct{ path, tag, value string }

// aliasTag marks a leaf that stands for content elsewhere in the file.
const aliasTag = "alias"

// leaves returns the leaves of a file in their order. Aliases are refused: a replacement would show elsewhere too.
func leaves(config []byte) ([]leaf, error) {
	document, err := parse(config)
	if err != nil {
		return nil, err
	}
	list := appendLeaves(nil, document, "")
	for _, l := range list {
		if l.tag == aliasTag {
			return nil, fmt.Errorf("%s is an alias, which is not supported", l.path)
		}
	}
	return list, nil
}

func appendLeaves(list []leaf, node *yaml.Node, path string) []leaf {
	switch {
	case node.Kind == yaml.AliasNode:
		return append(list, leaf{path, aliasTag, node.Value})
	case node.Kind == yaml.ScalarNode || len(node.Content) == 0:
		return append(list, leaf{path, node.ShortTag(), node.Value})
	case node.Kind == yaml.SequenceNode:
		for i, item := range node.Content {
			list = appendLeaves(list, item, fmt.Sprintf("%s[%d]", path, i))
		}
		return list
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		list = appendLeaves(list, node.Content[i+1], strings.TrimPrefix(path+"."+node.Content[i].Value, "."))
	}
	return list
}
