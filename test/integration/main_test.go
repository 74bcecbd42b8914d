//go:build integration

package integration

import (
	"flag"
	"fmt"
	"log"
	"os"
	"testing"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// clusters are shared by all scenarios, each used by one at a time.
var clusters *cluster.Pool

var (
	poolSize      = flag.Int("clusters", 3, "how many clusters run side by side, and so how many scenarios")
	kills         = flag.Int("kills", 10, "how often TestKilled kills the extension")
	killSeed      = flag.Int64("seed", 0, "where the random numbers of TestKilled begin, to repeat a run; 0 for another one every time")
	extensionPath = flag.String("extension", "../../bin/gardener-extension-registry-cache", "the program under test")
	admissionPath = flag.String("admission", "../../bin/gardener-extension-registry-cache-admission", "the admission component under test")
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(podVariable); folder != "" {
		log.Fatal(runAsPod(folder))
	}
	flag.Parse()
	ctrllog.SetLogger(logr.Discard()) // else the library complains that nobody has
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	clusters = cluster.NewPool(*poolSize, cluster.Options{})
	defer func() {
		if err := clusters.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the clusters:", err)
			code = 1
		}
	}()
	return m.Run()
}
