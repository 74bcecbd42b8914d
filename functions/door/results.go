package door

import (
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
)

// results makes KRM results of faults. file is where the config was read from, "" if unknown.
func results(faults fault.List, config input.Config, file string) framework.Results {
	list := make(framework.Results, 0, len(faults))
	for _, f := range faults {
		result := &framework.Result{
			Message:     f.Message,
			Severity:    framework.Severity(f.Severity),
			ResourceRef: reference(f.Object, config),
		}
		path := file
		if f.Object != nil {
			path = f.Object.Path
		}
		if path != "" {
			result.File = &framework.File{Path: path}
		}
		if f.Field != "" {
			result.Field = &framework.Field{Path: f.Field, CurrentValue: plain(f.Value)}
		}
		list = append(list, result)
	}
	return list
}

func reference(object *fault.Object, config input.Config) *yaml.ResourceIdentifier {
	ref := &yaml.ResourceIdentifier{}
	if object == nil {
		ref.APIVersion, ref.Kind, ref.Name = config.APIVersion, config.Kind, config.Name
	} else {
		ref.APIVersion, ref.Kind, ref.Namespace, ref.Name = object.APIVersion, object.Kind, object.Namespace, object.Name
	}
	if *ref == (yaml.ResourceIdentifier{}) {
		return nil
	}
	return ref
}

// plain makes a value one that YAML shows as the user wrote it.
func plain(value any) any {
	switch v := value.(type) {
	case nil, string, bool, int, int64, float64:
		return v
	}
	return fmt.Sprint(value)
}

// printResults writes each result on a line of its own: it is all that kustomize shows of a failed function.
func printResults(w io.Writer, list framework.Results) {
	for _, result := range list {
		line := strings.Join(strings.Fields(result.String()), " ")
		if result.File != nil {
			line = result.File.Path + ": " + line
		}
		// There is nobody left to tell if stderr is closed.
		_, _ = fmt.Fprintln(w, line)
	}
}
