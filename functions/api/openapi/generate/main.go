// Command generate writes, below the folder of the API, a JSON Schema per kind and version (schemas/) and a
// KRMFunctionDefinition per kind (definitions/), from the OpenAPI definitions that openapi-gen makes of the types.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// outputs are the files that this command owns; one that it no longer makes is removed.
var outputs = []string{"schemas/*.json", "definitions/*.yaml"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: generate FOLDER-OF-THE-API")
	}
	root := args[0]
	files, err := generate()
	if err != nil {
		return err
	}
	old, err := existing(root)
	if err != nil {
		return err
	}
	for _, name := range old {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(root, name)); err != nil {
				return fmt.Errorf("removing an outdated file: %w", err)
			}
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root, name), content, 0o644); err != nil {
			return fmt.Errorf("writing a generated file: %w", err)
		}
	}
	return nil
}

// existing lists the files below root that this command owns, relative to root.
func existing(root string) ([]string, error) {
	var names []string
	for _, pattern := range outputs {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", pattern, err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(root, path)
			if err != nil {
				return nil, fmt.Errorf("listing %s: %w", pattern, err)
			}
			names = append(names, filepath.ToSlash(name))
		}
	}
	return names, nil
}

// generate returns every file by its path relative to the folder of the API.
func generate() (map[string][]byte, error) {
	files := map[string][]byte{}
	b := newBuilder()
	for _, k := range kinds {
		for _, version := range k.versions {
			content, err := b.jsonSchema(k, version)
			if err != nil {
				return nil, fmt.Errorf("making the JSON Schema of %s %s: %w", k.name, version, err)
			}
			files["schemas/"+k.file()+"-"+version+".json"] = content
		}
		if !k.function {
			continue
		}
		content, err := b.functionDefinition(k)
		if err != nil {
			return nil, fmt.Errorf("making the KRMFunctionDefinition of %s: %w", k.name, err)
		}
		files["definitions/"+k.file()+".yaml"] = content
	}
	return files, nil
}
