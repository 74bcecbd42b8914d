package door

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
)

// Files runs the function on the command line: the first file holds the config, the others (or "-", stdin) hold items.
// Without a directory everything is printed as YAML to stdout: items that are not local config, and what was generated.
// With one, what was generated is written there, a file per object and a kustomization.yaml, in place of what an earlier
// run for the same config wrote. If the input is refused (ErrRefused), nothing is printed to stdout or written.
func Files(args []string, directory string, stdin io.Reader, stdout, stderr io.Writer) error {
	config, items, err := readFiles(args, stdin)
	if err != nil {
		printResults(stderr, results(faultsOf(err), config, args[0]))
		return ErrRefused
	}
	out, err := process(config, items)
	if err != nil {
		printResults(stderr, results(faultsOf(err), config, args[0]))
		return ErrRefused
	}
	printResults(stderr, results(out.remarks, config, args[0]))
	if directory != "" && len(out.rendered) == 0 {
		return errors.New("-o writes what is generated, and this config only changes items: leave -o out, and they are printed")
	}
	if directory != "" {
		return writeDirectory(directory, config.Mark(), out.rendered)
	}
	nodes, err := out.merge()
	if err != nil {
		return err
	}
	return printNodes(stdout, nodes)
}

func readFiles(args []string, stdin io.Reader) (config input.Config, items []*yaml.RNode, err error) {
	if args[0] == "-" {
		return config, nil, errors.New("the configuration must be a file; - is for INPUT only")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return config, nil, fmt.Errorf("reading the configuration: %w", err)
	}
	nodes, err := (&kio.ByteReader{Reader: bytes.NewReader(text), OmitReaderAnnotations: true, DisableUnwrapping: true}).Read()
	if err != nil {
		return config, nil, fmt.Errorf("parsing the configuration: %w", err)
	}
	if len(nodes) != 1 {
		return config, nil, fmt.Errorf("the configuration must be one YAML document, found %d", len(nodes))
	}
	if config, err = input.FromNode(nodes[0]); err != nil {
		return config, nil, err
	}
	for _, name := range args[1:] {
		more, err := readItems(name, stdin)
		if err != nil {
			return config, nil, err
		}
		items = append(items, more...)
	}
	return config, items, nil
}

func readItems(name string, stdin io.Reader) ([]*yaml.RNode, error) {
	reader := stdin
	if name != "-" {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fileFault(name, fmt.Sprintf("reading items: %v", err))
		}
		reader = bytes.NewReader(text)
	}
	return readItemsFrom(reader, name)
}

// readItemsFrom gives each item the path that it came from; it is taken off again before anything is printed.
func readItemsFrom(reader io.Reader, name string) ([]*yaml.RNode, error) {
	items, err := (&kio.ByteReader{
		Reader: reader, OmitReaderAnnotations: true, SetAnnotations: map[string]string{kioutil.PathAnnotation: name},
	}).Read()
	if err != nil {
		return nil, fileFault(name, unreadable(err))
	}
	return items, nil
}

func printNodes(stdout io.Writer, nodes []*yaml.RNode) error {
	var apply []*yaml.RNode
	for _, node := range nodes {
		if !isLocalConfig(node) {
			apply = append(apply, node)
		}
	}
	writer := kio.ByteWriter{Writer: stdout, ClearAnnotations: []string{kioutil.PathAnnotation, kioutil.LegacyPathAnnotation}} //nolint:staticcheck // see filePath
	if err := writer.Write(apply); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}

// fileFault is the fault of a whole file of items.
func fileFault(name, message string) fault.List {
	return fault.List{{Severity: fault.Error, Cause: fault.Item, Message: message, Object: &fault.Object{Path: name}}}
}

var lineNumber = regexp.MustCompile(`line [0-9]+`)

// unreadable says that items cannot be read. kyaml's own words quote what they do not understand, and that may be what
// somebody wrote for a password: only the line is taken from them.
func unreadable(err error) string {
	if line := lineNumber.FindString(err.Error()); line != "" {
		return "must be Kubernetes objects in YAML, see " + line
	}
	return "must be Kubernetes objects in YAML"
}
