// Command gardener-extension-registry-cache runs the controllers of the extension types registry-cache and registry-mirror,
// and their webhook on OperatingSystemConfigs, in a seed.
package main

import (
	"os"

	"sigs.k8s.io/controller-runtime/pkg/manager/signals"

	"github.com/registry-cache/registry-cache/controller/cmd/gardener-extension-registry-cache/app"
)

func main() {
	if err := app.NewCommand().ExecuteContext(signals.SetupSignalHandler()); err != nil {
		os.Exit(1) // cobra has printed it
	}
}
