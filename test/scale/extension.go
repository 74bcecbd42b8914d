package main

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/registry-cache/registry-cache/test/extension"
)

// extensionType is that of the Extensions, and the name that gardenlet gives them.
const extensionType = "registry-cache"

// measured is the process under test.
type measured struct {
	*extension.Process
}

// startExtension starts the extension and waits until it is ready, with its caches filled.
func (w *world) startExtension(ctx context.Context) error {
	process, err := extension.Start(ctx, w.Cluster, extension.Options{
		Process: "extension", Repository: ".", Program: w.options.extension, CertDir: filepath.Join(w.dir, "certs"),
	})
	if err != nil {
		return err
	}
	w.extension = &measured{process}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return process.WaitHTTP(ctx, http.DefaultClient, "http://"+process.Health+"/readyz")
}

// lastWords are the end of what the extension printed.
func (m *measured) lastWords() string {
	logs := m.Logs()
	return logs[max(0, len(logs)-4000):]
}

// errors are the lines with an error that the extension printed, without their stack traces.
func (m *measured) errors() (found []string) {
	for line := range strings.Lines(m.Logs()) {
		if strings.Contains(line, `"level":"error"`) {
			line, _, _ = strings.Cut(line, `,"stacktrace"`)
			found = append(found, line)
		}
	}
	return found
}
