// Command registry-cache-fn renders pull-through registry caches for Kubernetes: as a KRM function for kustomize and kpt,
// and on the command line.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/registry-cache/registry-cache/functions/door"
)

func main() {
	err := door.Command(os.Stdin, os.Stdout, os.Stderr).Execute()
	if err == nil {
		return
	}
	if !errors.Is(err, door.ErrRefused) {
		fmt.Fprintln(os.Stderr, "registry-cache-fn:", err)
	}
	os.Exit(1)
}
