//go:build integration

package integration

import (
	"errors"
	"strings"
	"testing"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestServicesNotApplied: a wait that runs out is an error without a code, so that gardenlet goes on trying, and it says what
// was waited for.
func TestServicesNotApplied(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("notapplied")
	e.must(e.Process(cluster.ResourceManager).Kill())
	e.must(s.ApplyExtension(e.ctx, cacheExtension, config(plain("docker.io"))))
	// The controller tries again at once: what lasts is the error, not the state.
	var lastError *gardencorev1beta1.LastError
	e.eventually(2*time.Minute, func() error {
		extension, err := s.Extension(e.ctx, cacheExtension)
		if err != nil {
			return err
		}
		if lastError = extension.Status.LastError; lastError == nil {
			return errors.New("no error yet")
		}
		return nil
	})
	if len(lastError.Codes) != 0 {
		t.Errorf("a wait must have no code, got %v", lastError.Codes)
	}
	for _, want := range []string{"deploying the Services", "registry-docker-io", "extension-registry-cache-services"} {
		if !strings.Contains(lastError.Description, want) {
			t.Errorf("the message must have %q, got %q", want, lastError.Description)
		}
	}
	e.must(e.StartResourceManager(e.ctx))
	e.must(s.WaitReady(e.ctx, cacheExtension))
	e.expectCaches("docker-io")
}
