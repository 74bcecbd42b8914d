package main

import (
	_ "embed"
	"fmt"

	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
	"github.com/registry-cache/registry-cache/test/rendered"
)

// registryConfig is what a user writes.
//
//go:embed registryconfig.yaml
var registryConfig []byte

// render returns the objects that the pipeline makes of registryConfig, and what the pod of its cache will run.
func render() (objects []manifest.Object, config []byte, env map[string]string, err error) {
	in, err := input.Parse(registryConfig)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading registryconfig.yaml: %w", err)
	}
	out, err := pipeline.Render(in, nil)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("rendering registryconfig.yaml: %w", err)
	}
	config, env, err = rendered.Cache(out.Objects, "registry-docker-io")
	return out.Objects, config, env, err
}
