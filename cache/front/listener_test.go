package front_test

import (
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/registry-cache/registry-cache/cache/store"
)

// listener counts what the driver tells.
type listener struct {
	store.Nobody
	committed, linked, used, bad, noSpace atomic.Int64
}

func (l *listener) Committed(digest.Digest, int64) { l.committed.Add(1) }
func (l *listener) Linked(store.Location)          { l.linked.Add(1) }
func (l *listener) Used(digest.Digest)             { l.used.Add(1) }
func (l *listener) Bad(digest.Digest, error)       { l.bad.Add(1) }
func (l *listener) NoSpace(error)                  { l.noSpace.Add(1) }

func count(t *testing.T, metric prometheus.Metric) float64 {
	t.Helper()
	var value dto.Metric
	if err := metric.Write(&value); err != nil {
		t.Fatal(err)
	}
	return value.GetCounter().GetValue()
}
