// The command gardener-extension-registry-cache-admission validates Shoots with caches and mirrors in the garden cluster.
package main

import (
	"os"

	"github.com/gardener/gardener/cmd/utils"
	"github.com/gardener/gardener/pkg/logger"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"

	"github.com/registry-cache/registry-cache/controller/cmd/gardener-extension-registry-cache-admission/app"
)

func main() {
	utils.DeduplicateWarnings()
	logf.SetLogger(logger.MustNewZapLogger(logger.InfoLevel, logger.FormatJSON))
	if err := app.NewCommand(signals.SetupSignalHandler()).Execute(); err != nil {
		logf.Log.Error(err, "Stopped")
		os.Exit(1)
	}
}
