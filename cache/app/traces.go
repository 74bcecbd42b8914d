package app

import (
	"os"

	"github.com/distribution/distribution/v3/configuration"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace/noop"
)

// tracesVariable switches the export of traces, which distribution would send to localhost if it is not set.
const tracesVariable = "OTEL_TRACES_EXPORTER"

const noTraces = "none"

// useTraces sends traces only where the environment says, and nowhere if it says nothing.
func useTraces() error {
	if _, set := os.LookupEnv(tracesVariable); set {
		return nil
	}
	return os.Setenv(tracesVariable, noTraces)
}

// wantsTraces says whether somebody gets the traces: distribution writes them to its debug log too.
func wantsTraces(config *configuration.Configuration) bool {
	return os.Getenv(tracesVariable) != noTraces || config.Log.Level == "debug"
}

// dropTraces keeps distribution from making traces that nobody gets, which is a fifth of the processor time of a manifest. It
// has to be called before the registry is made, because its storage driver stays with what it finds then, and after, because
// the registry sets what its HTTP handlers use.
func dropTraces() { otel.SetTracerProvider(noop.NewTracerProvider()) }
