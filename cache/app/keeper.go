package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/keeper"
	"github.com/registry-cache/registry-cache/cache/store"
)

// newKeeper makes what evicts and expires what is stored below a root directory.
func newKeeper(root string, ttl time.Duration, settings Settings) store.Keeper {
	return keeper.New(keeper.Options{
		Root:       root,
		TTL:        ttl,
		High:       float64(settings.HighWatermark) / 100,
		Low:        float64(settings.LowWatermark) / 100,
		Reserve:    settings.ReserveBytes,
		Registerer: prometheus.DefaultRegisterer,
	})
}
