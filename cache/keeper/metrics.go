package keeper

import "github.com/prometheus/client_golang/prometheus"

// The causes of an eviction.
const (
	bySpace = "space"
	byTTL   = "ttl"
	byBad   = "bad"
	byLeak  = "leak"
)

// metrics are what the keeper measures and counts.
type metrics struct {
	used, free, reserved prometheus.Gauge
	evictions            *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer, x *index) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := &metrics{
		used:     gauge("registry_cache_disk_used_bytes", "Bytes of the volume that are in use, by whomever."),
		free:     gauge("registry_cache_disk_free_bytes", "Bytes of the volume that are free."),
		reserved: gauge("registry_cache_disk_reserved_bytes", "Bytes of the volume that are kept free: with fewer, blobs are removed."),
		evictions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registry_cache_evictions_total",
			Help: "Blobs, and remains of blobs, that were removed from the store, by cause.",
		}, []string{"cause"}),
	}
	for _, cause := range []string{bySpace, byTTL, byBad, byLeak} {
		m.evictions.WithLabelValues(cause)
	}
	if registerer == nil {
		return m
	}
	registerer.MustRegister(m.used, m.free, m.reserved, m.evictions,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "registry_cache_oldest_last_use_timestamp_seconds",
			Help: "When the blob was last used that was not used for longest; 0 if there is none.",
		}, func() float64 { return float64(x.oldest()) / 1e9 }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "registry_cache_blobs",
			Help: "Blobs in the store.",
		}, func() float64 { blobs, _ := x.sum(); return float64(blobs) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "registry_cache_blobs_bytes",
			Help: "Bytes of the blobs in the store.",
		}, func() float64 { _, bytes := x.sum(); return float64(bytes) }),
	)
	return m
}
