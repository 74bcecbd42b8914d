package door

import (
	"errors"
	"io"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
)

// ErrRefused says that the input was refused; what is wrong with it has been printed.
var ErrRefused = errors.New("the input was refused")

// ResourceList runs the function as kustomize and kpt do: a ResourceList comes in on stdin and goes out on stdout, with
// results. If the input is refused (ErrRefused), the items go out as they came in, and each result also stands on a line
// of stderr, which is all that kustomize shows.
func ResourceList(stdin io.Reader, stdout, stderr io.Writer) error {
	refused := false
	processor := framework.ResourceListProcessorFunc(func(rl *framework.ResourceList) error {
		config, faults := processList(rl)
		file := ""
		if rl.FunctionConfig != nil {
			file = filePath(rl.FunctionConfig)
		}
		rl.Results = results(faults, config, file)
		printResults(stderr, rl.Results)
		refused = faults.OrNil() != nil
		return nil
	})
	rw := &kio.ByteReadWriter{Reader: stdin, Writer: stdout, KeepReaderAnnotations: true}
	if err := framework.Execute(processor, rw); err != nil {
		return unreadableList(stdout, stderr, err)
	}
	if refused {
		return ErrRefused
	}
	return nil
}

// unreadableList answers a ResourceList whose items cannot even be read, and so cannot be given back.
func unreadableList(stdout, stderr io.Writer, err error) error {
	list := results(fault.List{{Severity: fault.Error, Cause: fault.Item, Message: "the ResourceList " + unreadable(err)}}, input.Config{}, "")
	printResults(stderr, list)
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": kio.ResourceListAPIVersion, "kind": kio.ResourceListKind, "items": []any{}, "results": list,
	})
	if err == nil {
		_, err = stdout.Write(text)
	}
	return errors.Join(ErrRefused, err)
}

// processList changes the items of the list, unless a fault stops the function.
func processList(rl *framework.ResourceList) (input.Config, fault.List) {
	config, err := input.FromNode(rl.FunctionConfig)
	if err != nil {
		return config, faultsOf(err)
	}
	out, err := process(config, rl.Items)
	if err != nil {
		return config, faultsOf(err)
	}
	for _, object := range out.generated {
		object.SetAnnotation(kioutil.PathAnnotation, filePathFor(object))
	}
	nodes, err := out.merge()
	if err != nil {
		return config, faultsOf(err)
	}
	rl.Items = nodes
	return config, out.remarks
}
