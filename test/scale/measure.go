package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/procfs"
)

// controllerName is that of the controller in the extension's metrics.
const controllerName = "registry-cache-controller"

const mib = 1 << 20

// sample is how things are with the extension at one moment; times and counts are those since its start.
type sample struct {
	at          time.Time
	cpu         time.Duration
	rss, peak   int // bytes
	load        float64
	metrics     values
	requests    map[request]int
	opened      int // connections to shoots
	connections int // those that are open
}

// values are what the extension says of itself in its metrics.
type values struct {
	goroutines, active, queued int
	liveHeap                   int // bytes that the last garbage collection left
	heap                       int // bytes in use, garbage included
	succeeded, failed          int // reconciliations
	inReconcile                time.Duration
}

// sample looks at the extension from outside, in /proc, and asks it.
func (w *world) sample(ctx context.Context) (s sample, err error) {
	s.at = time.Now()
	if err = s.readProc(w.extension.PID()); err != nil {
		return s, fmt.Errorf("reading about the extension in /proc: %w", err)
	}
	s.metrics, err = w.extension.scrape(ctx)
	s.requests, s.opened, s.connections = w.requests.snapshot()
	return s, err
}

func (s *sample) readProc(pid int) error {
	system, err := procfs.NewDefaultFS()
	if err != nil {
		return err
	}
	process, err := system.Proc(pid)
	if err != nil {
		return err
	}
	stat, err := process.Stat()
	if err != nil {
		return err
	}
	status, err := process.NewStatus()
	if err != nil {
		return err
	}
	load, err := system.LoadAvg()
	if err != nil {
		return err
	}
	s.cpu = time.Duration(stat.CPUTime() * float64(time.Second))
	s.rss, s.peak, s.load = int(status.VmRSS), int(status.VmHWM), load.Load1 //nolint:gosec // no process has exabytes
	return nil
}

// scrape asks the extension for its metrics, and sums up those that tell what it does.
func (m *measured) scrape(ctx context.Context) (v values, err error) {
	families, err := m.families(ctx)
	if err != nil {
		return v, fmt.Errorf("reading the metrics of the extension: %w", err)
	}
	sum := func(name string, labels map[string]string) float64 { return sumOf(families[name], labels) }
	controller := map[string]string{"controller": controllerName}
	v.goroutines = int(sum("go_goroutines", nil))
	v.liveHeap = int(sum("go_gc_heap_live_bytes", nil))
	v.heap = int(sum("go_memstats_heap_inuse_bytes", nil))
	v.active = int(sum("controller_runtime_active_workers", controller))
	v.queued = int(sum("workqueue_depth", controller))
	v.succeeded = int(sum("controller_runtime_reconcile_total", map[string]string{"controller": controllerName, "result": "success"}))
	v.failed = int(sum("controller_runtime_reconcile_errors_total", controller))
	v.inReconcile = time.Duration(sum("controller_runtime_reconcile_time_seconds", controller) * float64(time.Second))
	return v, nil
}

// families are the metrics of the extension by their names.
func (m *measured) families(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.Metrics+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("they answered %s", response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(response.Body)
}

// sumOf adds up the series of a metric that have all the labels; of a histogram the sums.
func sumOf(family *dto.MetricFamily, labels map[string]string) (sum float64) {
	for _, metric := range family.GetMetric() {
		matching := 0
		for _, label := range metric.GetLabel() {
			if want, ok := labels[label.GetName()]; ok && label.GetValue() == want {
				matching++
			}
		}
		if matching == len(labels) {
			sum += metric.GetGauge().GetValue() + metric.GetCounter().GetValue() + metric.GetHistogram().GetSampleSum()
		}
	}
	return sum
}

// pass is one reconciliation of all shoots.
type pass struct {
	number     int // 0 is the first reconciliation of all
	end        sample
	wall, cpu  time.Duration
	reconciles int
	mean       time.Duration // of one reconciliation, with its waits
	failed     int
	opened     int // connections to shoots
	requests   map[request]int
}

// pass reconciles all shoots once and says what that took.
func (w *world) pass(ctx context.Context, number int) (pass, error) {
	before, err := w.sample(ctx)
	if err != nil {
		return pass{}, err
	}
	if err := w.reconcileAll(ctx); err != nil {
		return pass{}, err
	}
	end, err := w.sample(ctx)
	p := pass{
		number: number, end: end, wall: end.at.Sub(before.at), cpu: end.cpu - before.cpu,
		reconciles: end.metrics.succeeded - before.metrics.succeeded,
		failed:     end.metrics.failed - before.metrics.failed,
		opened:     end.opened - before.opened,
		requests:   map[request]int{},
	}
	p.mean = (end.metrics.inReconcile - before.metrics.inReconcile) / time.Duration(max(1, p.reconciles))
	for kind, count := range end.requests {
		if count -= before.requests[kind]; count > 0 {
			p.requests[kind] = count
		}
	}
	return p, err
}
