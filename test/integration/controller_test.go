//go:build integration

package integration

import (
	"context"
	"net/http"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/extension"
)

// startController starts the extension as its chart would, see [extension.Start], with further arguments.
func (e *env) startController(name string, args ...string) *extension.Process {
	e.t.Helper()
	process, err := extension.Start(e.ctx, e.Cluster, extension.Options{
		Process: name, Repository: "../..", Program: *extensionPath, CertDir: e.t.TempDir(), Args: append([]string{"--log-format=text"}, args...),
	})
	e.must(err)
	e.t.Cleanup(func() { _ = process.Kill() })
	return process
}

// waitHealthy waits until a path of the health server answers with 200.
func (e *env) waitHealthy(process *extension.Process, path string) {
	e.t.Helper()
	e.waitAnswers(process.Process, process.Health, path)
}

// waitAnswers waits until a process answers with 200.
func (e *env) waitAnswers(process *cluster.Process, address, path string) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, 30*time.Second)
	defer cancel()
	e.must(process.WaitHTTP(ctx, http.DefaultClient, "http://"+address+path))
}
