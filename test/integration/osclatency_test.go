//go:build integration

package integration

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestOperatingSystemConfigLatency measures what the webhook adds to gardenlet's update of an OperatingSystemConfig of 60
// files and 300 KiB: the figures are printed, not judged, for the machine may be busy.
func TestOperatingSystemConfigLatency(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("latency")
	e.awaitWebhooks(e.extension.Webhook)
	e.reconcile(s, config(secured("docker.io"), secured("quay.io"), secured("ghcr.io"), secured("registry.k8s.io"), secured("gcr.io")))
	e.awaitOSC(s, patched)
	with := e.measureOSC(s)
	e.labelNamespace(s, "false")
	e.awaitOSC(s, untouched)
	without := e.measureOSC(s)
	for name, d := range map[string][]time.Duration{"with the webhook for caches": with, "without": without} {
		t.Logf("figure: %d updates %s: median %s, 99th percentile %s", len(d), name,
			d[len(d)/2].Round(100*time.Microsecond), d[(len(d)-1)*99/100].Round(100*time.Microsecond))
	}
}

// measureOSC applies a large OperatingSystemConfig 50 times and returns how long each took, sorted.
func (e *env) measureOSC(s *cluster.Shoot) (took []time.Duration) {
	e.t.Helper()
	desired := desiredOSC()
	text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0123456789abcde\n", 5<<10*3/4/16)))
	for i := range 60 {
		desired.Files = append(desired.Files, extensionsv1alpha1.File{
			Path:    fmt.Sprintf("/opt/bin/file-%d", i),
			Content: extensionsv1alpha1.FileContent{Inline: &extensionsv1alpha1.FileContentInline{Encoding: "b64", Data: text}},
		})
	}
	for range 50 {
		start := time.Now()
		_, err := s.ApplyOSC(e.ctx, oscName+"-large", purposeReconcile, desired)
		e.must(err)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took
}
