package registries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const (
	// inFlight counts the requests that a cache is working on, by handler.
	inFlight = "registry_http_in_flight_requests"
	// settleTimeout bounds the wait for a cache's disk.
	settleTimeout = 30 * time.Second
)

// ProxyMetrics are a cache's own counters since its start.
type ProxyMetrics struct {
	Blob, Manifest ProxyCounters
}

// ProxyCounters are the values of registry_proxy_*_total for one type. A request answered from the cache is a hit, one
// for which the upstream was asked is a miss. Pulled is from the upstream, pushed is to the clients.
type ProxyCounters struct {
	Requests, Hits, Misses, PulledBytes, PushedBytes int64
}

// Sub returns what was counted since earlier.
func (m ProxyMetrics) Sub(earlier ProxyMetrics) ProxyMetrics {
	return ProxyMetrics{Blob: m.Blob.sub(earlier.Blob), Manifest: m.Manifest.sub(earlier.Manifest)}
}

func (c ProxyCounters) sub(earlier ProxyCounters) ProxyCounters {
	return ProxyCounters{
		Requests:    c.Requests - earlier.Requests,
		Hits:        c.Hits - earlier.Hits,
		Misses:      c.Misses - earlier.Misses,
		PulledBytes: c.PulledBytes - earlier.PulledBytes,
		PushedBytes: c.PushedBytes - earlier.PushedBytes,
	}
}

// MetricsURL returns where the cache serves its metrics, or "" if the configuration does not say so.
func (c *Cache) MetricsURL() string {
	if c.debug == "" || c.metrics == "" {
		return ""
	}
	return c.DebugURL() + c.metrics
}

// Metrics reads the cache's own metrics from its debug server.
func (c *Cache) Metrics(ctx context.Context) (ProxyMetrics, error) {
	families, err := c.scrape(ctx)
	if err != nil {
		return ProxyMetrics{}, fmt.Errorf("reading metrics: %w", err)
	}
	return proxyMetrics(families)
}

// ReadProxyMetrics reads the counters from the text that a cache's debug server gives.
func ReadProxyMetrics(text io.Reader) (ProxyMetrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return ProxyMetrics{}, fmt.Errorf("parsing metrics: %w", err)
	}
	return proxyMetrics(families)
}

func proxyMetrics(families map[string]*dto.MetricFamily) (metrics ProxyMetrics, err error) {
	for name, field := range map[string]func(*ProxyCounters) *int64{
		"registry_proxy_requests_total":     func(c *ProxyCounters) *int64 { return &c.Requests },
		"registry_proxy_hits_total":         func(c *ProxyCounters) *int64 { return &c.Hits },
		"registry_proxy_misses_total":       func(c *ProxyCounters) *int64 { return &c.Misses },
		"registry_proxy_pulled_bytes_total": func(c *ProxyCounters) *int64 { return &c.PulledBytes },
		"registry_proxy_pushed_bytes_total": func(c *ProxyCounters) *int64 { return &c.PushedBytes },
	} {
		for kind, counters := range map[string]*ProxyCounters{"blob": &metrics.Blob, "manifest": &metrics.Manifest} {
			metric := metricWith(families, name, "type", kind)
			if metric == nil {
				return ProxyMetrics{}, fmt.Errorf("reading metrics: %s{type=%q} is missing", name, kind)
			}
			*field(counters) = int64(metric.GetCounter().GetValue())
		}
	}
	return metrics, nil
}

// Settle waits until the cache has stored what was pulled. Distribution passes a blob on to the client while it writes
// it, and commits it after the client has the last byte; who asks again in that moment is sent to the upstream.
func (c *Cache) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for {
		families, err := c.scrape(ctx)
		if err != nil {
			return fmt.Errorf("waiting until the cache has stored everything: %w", err)
		}
		if metricWith(families, inFlight, "handler", "blob").GetGauge().GetValue()+
			metricWith(families, inFlight, "handler", "manifest").GetGauge().GetValue() == 0 {
			return nil
		}
		if err := sleep(ctx, readyPoll); err != nil {
			return fmt.Errorf("waiting until the cache has stored everything: %w", err)
		}
	}
}

// scrape reads all metrics.
func (c *Cache) scrape(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	if c.MetricsURL() == "" {
		return nil, errors.New("the configuration has none")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.MetricsURL(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", c.MetricsURL(), response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(response.Body)
}

// metricWith returns the metric of a name with a label, or nil, which has the value 0.
func metricWith(families map[string]*dto.MetricFamily, name, label, value string) *dto.Metric {
	for _, metric := range families[name].GetMetric() {
		for _, pair := range metric.GetLabel() {
			if pair.GetName() == label && pair.GetValue() == value {
				return metric
			}
		}
	}
	return nil
}
