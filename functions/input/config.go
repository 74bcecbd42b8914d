// Package input holds what every function is given: its configuration, and the items that may be of use to it.
package input

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/functions/fault"
)

// Config is a functionConfig whose metadata has been taken off. kustomize and kpt demand a metadata.name, a Shoot's
// providerConfig has no metadata at all; none of it decides what is rendered, except that the name marks the output.
type Config struct {
	// APIVersion and Kind choose the function.
	APIVersion, Kind string
	// Name is metadata.name; "" if there is none.
	Name string
	// Body is the text without metadata, YAML or JSON, not decoded yet.
	Body []byte
}

// Parse reads a functionConfig from YAML or JSON text. What is wrong with it comes as a fault.List.
func Parse(text []byte) (Config, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(trimmed) {
		return parseJSON(trimmed)
	}
	node, err := yaml.Parse(string(text))
	if err != nil {
		return Config{}, configFault("", fmt.Sprintf("must be YAML or JSON: %v", err))
	}
	return FromNode(node)
}

// FromNode reads a functionConfig from a YAML node, which it leaves as it is.
func FromNode(node *yaml.RNode) (Config, error) {
	if yaml.IsMissingOrNull(node) || node.YNode().Kind != yaml.MappingNode {
		return Config{}, configFault("", "the configuration must be an object with apiVersion and kind")
	}
	node = node.Copy()
	config := Config{APIVersion: node.GetApiVersion(), Kind: node.GetKind()}
	if metadata := node.Field("metadata"); metadata != nil && !yaml.IsMissingOrNull(metadata.Value) {
		if metadata.Value.YNode().Kind != yaml.MappingNode {
			return Config{}, configFault("metadata", "must be an object")
		}
		config.Name = node.GetName()
	}
	if err := node.PipeE(yaml.Clear("metadata")); err != nil {
		return Config{}, fmt.Errorf("taking metadata off the configuration: %w", err)
	}
	body, err := node.String()
	if err != nil {
		return Config{}, fmt.Errorf("encoding the configuration: %w", err)
	}
	config.Body = []byte(body)
	return config, nil
}

// parseJSON saves the controller, whose providerConfig is JSON, the way through YAML nodes.
func parseJSON(text []byte) (Config, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   *struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return Config{}, configFault("", "apiVersion, kind and metadata.name must be strings")
	}
	config := Config{APIVersion: head.APIVersion, Kind: head.Kind, Body: text}
	if head.Metadata == nil {
		return config, nil
	}
	config.Name = head.Metadata.Name
	node, err := yaml.Parse(string(text))
	if err != nil {
		return Config{}, configFault("", fmt.Sprintf("must be YAML or JSON: %v", err))
	}
	return FromNode(node)
}

// Mark returns the value of the annotation that marks what the config generates.
func (c Config) Mark() string {
	return c.Kind + "/" + c.Name
}

func configFault(path, message string) fault.List {
	return fault.List{{Severity: fault.Error, Cause: fault.Configuration, Field: path, Message: message}}
}

// Unknown returns the fault of a kind that no function serves.
func (c Config) Unknown(known []string) fault.List {
	if c.APIVersion == "" || c.Kind == "" {
		return configFault("", "apiVersion and kind must be given: one of "+strings.Join(known, ", "))
	}
	return fault.FromFields(fault.Configuration, field.ErrorList{
		field.NotSupported(field.NewPath("kind"), c.APIVersion+" "+c.Kind, known),
	})
}
