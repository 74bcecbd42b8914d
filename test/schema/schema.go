// Package schema checks documents against the committed JSON Schemas, as an editor does. Tests of other packages use it
// for their inputs.
package schema

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/api/schemas"
)

// Validate checks a document, YAML or JSON, against the schema of the kind. The error names every fault.
func Validate(apiVersion, kind string, document []byte) error {
	schema, err := compile(strings.ToLower(kind) + "-" + path.Base(apiVersion) + ".json")
	if err != nil {
		return fmt.Errorf("loading the schema of %s %s: %w", apiVersion, kind, err)
	}
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return fmt.Errorf("decoding the document: %w", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("decoding the document: %w", err)
	}
	return schema.Validate(value)
}

func compile(name string) (*jsonschema.Schema, error) {
	file, err := schemas.Files.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	text, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", name, err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, text); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return compiler.Compile(name)
}
