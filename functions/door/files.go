package door

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/functions/input"
)

// localConfigAnnotation marks objects that are for tools and not for the cluster; kustomize and kpt do not apply them.
const localConfigAnnotation = "config.kubernetes.io/local-config"

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
	printResults(stderr, results(out.warnings, config, args[0]))
	if directory != "" {
		return writeDirectory(directory, config.Mark(), out.generated)
	}
	nodes, err := out.merge()
	if err != nil {
		return err
	}
	return printNodes(stdout, nodes)
}

func readFiles(args []string, stdin io.Reader) (config input.Config, items []*yaml.RNode, err error) {
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
			return nil, fmt.Errorf("reading items: %w", err)
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
		return nil, fmt.Errorf("parsing items in %s: %w", name, err)
	}
	return items, nil
}

func printNodes(stdout io.Writer, nodes []*yaml.RNode) error {
	var apply []*yaml.RNode
	for _, node := range nodes {
		if value, marked := node.GetAnnotations()[localConfigAnnotation]; !marked || value == "false" {
			apply = append(apply, node)
		}
	}
	writer := kio.ByteWriter{Writer: stdout, ClearAnnotations: []string{kioutil.PathAnnotation, kioutil.LegacyPathAnnotation}} //nolint:staticcheck // see filePath
	if err := writer.Write(apply); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}
