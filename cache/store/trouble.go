package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/prometheus/client_golang/prometheus"
)

// errHangs is what an operation gets that does not return in time, or is not begun because others did not.
var errHangs = errors.New("the store does not answer")

// errBypassed is errHangs for an operation that was not begun.
var errBypassed = fmt.Errorf("%w and is bypassed", errHangs)

// errSlow is what a blob gets whose writing would have slowed its client down.
var errSlow = errors.New("the store is slower than the upstream")

// errGone is what a request gets that has seen something that is not there any more.
var errGone = errors.New("it was in the store a moment ago")

// errBusy is what a write gets whose blob is being removed.
var errBusy = errors.New("the blob is being removed")

// errBad is what is wrong with a blob whose content is not what its digest says.
var errBad = errors.New("the content is not what its digest says")

// Metrics are what the driver counts.
type Metrics struct {
	NotStored *prometheus.CounterVec // by cause
	Errors    *prometheus.CounterVec // by cause
	Bad       prometheus.Counter
	Bypassed  prometheus.Gauge
}

// NewMetrics makes the driver's metrics and registers them.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		NotStored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registry_cache_not_stored_total",
			Help: "Pulls that were served and could not be stored, by cause.",
		}, []string{"cause"}),
		Errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registry_cache_store_errors_total",
			Help: "Operations of the store that failed, by cause.",
		}, []string{"cause"}),
		Bad: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "registry_cache_bad_content_total",
			Help: "Blobs that were dropped because their content was not what their digest says.",
		}),
		Bypassed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "registry_cache_store_bypassed",
			Help: "1 while the store does not answer and is left alone.",
		}),
	}
	registerer.MustRegister(m.NotStored, m.Errors, m.Bad, m.Bypassed)
	for _, cause := range causes {
		m.NotStored.WithLabelValues(cause.name)
	}
	return m
}

// causes are the errors that have a name of their own in metrics.
var causes = []struct {
	name string
	err  error
}{
	{"no-space", syscall.ENOSPC},
	{"quota", syscall.EDQUOT},
	{"io", syscall.EIO},
	{"read-only", syscall.EROFS},
	{"permission", fs.ErrPermission},
	{"hang", errHangs},
	{"slow", errSlow},
	{"busy", errBusy},
	{"bad", errBad},
	{"other", nil},
}

func causeOf(err error) string {
	for _, cause := range causes {
		if cause.err != nil && errors.Is(err, cause.err) {
			return cause.name
		}
	}
	return "other"
}

// unwrap returns what is inside an error of a storage driver, which hides it from package errors.
func unwrap(err error) error {
	var e storagedriver.Error
	if errors.As(err, &e) && e.Detail != nil {
		return e.Detail
	}
	return err
}

func isNotFound(err error) bool {
	var e storagedriver.PathNotFoundError
	return errors.As(err, &e) || errors.Is(unwrap(err), fs.ErrNotExist)
}

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
