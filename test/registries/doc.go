// Package registries runs real registries on this machine's loopback, for tests and for the demo: an Upstream that
// stands for Docker Hub and its like, and a Cache that serves a rendered config.yml in front of it. Nothing listens
// or connects anywhere else.
//
// The Cache is github.com/distribution/distribution/v3 as this module pins it, compiled in, run by its own "serve"
// command with the rendered file and the container's environment. It runs in a second process of the same program,
// because distribution can be served once per process only (read at v3.1.2):
//
//   - handlers.NewApp registers its HTTP metrics with Prometheus' default registry and panics the second time;
//   - registry.NewRegistry registers the health check of the storage with a global registry and panics likewise;
//     after its end the check stays, failed, and turns every later registry of the process into 503s;
//   - the metrics of the proxy are global counters, so two caches would count into one another's;
//   - the debug server runs on http.DefaultServeMux, is started by the command alone, and never stops;
//   - ListenAndServe takes SIGTERM and SIGINT from the process and never gives them back;
//   - the tracer is global, and its exporter's goroutine never ends;
//   - an upstream that does not answer at the start is a panic, and other failures are os.Exit;
//   - configuration.Parse reads the process's environment, and http.DefaultTransport its root CAs, once.
//
// In a process of its own all of that is as it is in a pod: own environment, own metrics from zero, several caches side
// by side, and a stop by SIGTERM with the configured drain time. The price is one line: a program that starts a Cache
// calls ServeIfAsked first thing in main or TestMain.
//
// The Upstream lives in the calling process: handlers.NewApp can be called often as long as its metrics are off. It
// leaves one parked goroutine behind each time (distribution never closes its event broadcaster).
package registries
