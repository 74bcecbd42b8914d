// Command generate makes what registers the extension with Gardener, out of extension.yaml beside it and the charts:
// registration/extension.yaml for gardener-operator, and registration/controller-registration.yaml, in which gardener's own
// code says what gardener-operator would make of the former, for gardens without it.
//
//	go run ./controller/charts/generate controller/charts
//
// With -raw-chart it writes no file and prints the ControllerDeployment and ControllerRegistration with the chart itself
// inside instead of a reference to a registry, for a local Gardener:
//
//	go run ./controller/charts/generate -raw-chart controller/charts | kubectl apply -f -
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	rawChart := flag.Bool("raw-chart", false, "print the registration with the chart inside")
	flag.Parse()
	if err := run(flag.Arg(0), *rawChart); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run does for a folder of charts what the command promises.
func run(folder string, rawChart bool) error {
	if folder == "" {
		return fmt.Errorf("the folder of the charts must be given")
	}
	extension, err := readExtension(folder)
	if err != nil {
		return err
	}
	if rawChart {
		text, err := registration(extension, filepath.Join(folder, extensionChart))
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(text)
		return err
	}
	return writeAll(filepath.Join(folder, "registration"), extension)
}

func writeAll(folder string, ex *extension) error {
	text, err := registration(ex, "")
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"extension.yaml": ex.text, "controller-registration.yaml": text} {
		if err := os.WriteFile(filepath.Join(folder, name), append([]byte(header), content...), 0o644); err != nil {
			return fmt.Errorf("writing the registration: %w", err)
		}
	}
	return nil
}
