package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/cache/app"
	"github.com/registry-cache/registry-cache/test/registries"
)

// nextDoor is farAway made small.
var nextDoor = scene{layers: 2, layerSize: 300_000, latency: time.Millisecond, bytesPerSecond: 10_000_000}

func TestMain(m *testing.M) {
	registries.ServeIfAskedWith(app.Main)
	os.Exit(m.Run())
}

func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &screen{out: &out}, nextDoor); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, line := range []string{
		`^ 1  Render test/demo/registryconfig\.yaml`,
		`^     StatefulSet +registry-cache +registry-docker-io$`,
		`^ 2  Start an upstream in Docker Hub's place, slow on purpose`,
		`^     slowed to +1 ms more per request, 10 MB/s in all$`,
		`^     image +docker\.io/library/demo:1\.0, 2 layers, 0\.6 MB$`,
		`^ 3  Start the cache: registry-cache `,
		`^     http\.addr:\n        ":5000" -> "127\.0\.0\.1:\d+"$`,
		`^     http\.debug\.addr:\n        ":5001" -> "127\.0\.0\.1:\d+"$`,
		`^     proxy\.remoteurl:\n        "https://registry-1\.docker\.io" -> "http://127\.0\.0\.1:\d+"$`,
		`^     storage\.filesystem\.rootdirectory:\n        "/var/lib/registry" -> ".+"$`,
		`^ 4  Pull docker\.io/library/demo:1\.0 twice through the cache`,
		`^     as 127\.0\.0\.1:\d+/library/demo:1\.0, with go-containerregistry$`,
		`^     \.\.\. pulling, first time `,
		`^     first +0\.6 MB +\d+\.\d\d s +\d+ MB/s +\d+ for manifests, [1-9]\d* for blobs$`,
		`^     second +0\.6 MB +\d+\.\d\d s +\d+ MB/s +\d+ for manifests, 0 for blobs$`,
		`^ 5  Read the cache's own metrics: http://127\.0\.0\.1:\d+/metrics$`,
		`^     blob +6 +3 +3 +0\.6 MB +1\.2 MB$`,
		`^Done in `,
	} {
		if !regexp.MustCompile("(?m)" + line).MatchString(out.String()) {
			t.Errorf("no line matches %s", line)
		}
	}
	if difference := regexp.MustCompile(`(?m) -> `).FindAllString(out.String(), -1); len(difference) != 4 {
		t.Errorf("expected four replaced keys, got %d", len(difference))
	}
	for _, line := range strings.Split(out.String(), "\n") {
		if strings.ContainsAny(line, "\r\x1b") || strings.Contains(line, "level=") || strings.HasSuffix(line, " ") {
			t.Errorf("unexpected line %q", line)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestInterruptedDemoFails(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := run(ctx, &screen{out: &out}, nextDoor); err == nil {
		t.Errorf("expected an error, got\n%s", out.String())
	}
	if strings.Contains(out.String(), "Done") {
		t.Errorf("unexpected output\n%s", out.String())
	}
}

func TestProgressLineOfATerminalVanishes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{out: &out, terminal: true}
	err := s.during("pulling", 4_000_000, func(done func(int64)) error {
		done(1_000_000)
		time.Sleep(200 * time.Millisecond) // two frames
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if frame := "[" + strings.Repeat("#", 7) + strings.Repeat(".", 23) + "]   1.0 of 4.0 MB"; !strings.Contains(out.String(), frame) {
		t.Errorf("no frame %q in %q", frame, out.String())
	}
	if strings.Contains(out.String(), "\n") || !strings.HasSuffix(out.String(), clearLine) {
		t.Errorf("the line stays: %q", out.String())
	}
}
