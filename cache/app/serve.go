package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	_ "net/http/pprof" // as the stock registry has it, on its debug server
	"os"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"             // a cache may ask for credentials of its own
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // what a cache stores in
	"github.com/docker/go-metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"github.com/registry-cache/registry-cache/cache/front"
	"github.com/registry-cache/registry-cache/cache/store"
	"github.com/registry-cache/registry-cache/cache/upstream"
)

// Serve runs the cache until it is told to stop.
func Serve(path string, settings Settings) error {
	config, err := readConfig(path)
	if err != nil {
		return err
	}
	if config.Proxy.RemoteURL == "" {
		return errors.New("proxy.remoteurl is missing: this program is nothing but a cache")
	}
	if err := useTraces(); err != nil {
		return err
	}
	c, err := newCache(config, path, settings)
	if err != nil {
		return err
	}
	serveDebug(config, c.leaving)
	err = c.listenAndServe(config)
	return errors.Join(err, c.close())
}

// cache is what runs.
type cache struct {
	registry *registry.Registry
	front    *front.Handler
	driver   *store.Driver
	keeper   store.Keeper
	leaving  *leaving
	stop     context.CancelFunc
}

func newCache(config *configuration.Configuration, path string, settings Settings) (*cache, error) {
	if err := registerMiddleware(); err != nil {
		return nil, err
	}
	root, err := rootDirectory(config)
	if err != nil {
		return nil, err
	}
	found, err := useCredentials(config, path, settings.CredentialsDirectory, os.Setenv)
	if err != nil {
		return nil, err
	}
	c := &cache{leaving: &leaving{}}
	later := &observer{}
	ttl := complete(config, DriverOptions{
		Options: store.Options{Observer: later, Metrics: store.NewMetrics(prometheus.DefaultRegisterer)},
		Created: func(driver *store.Driver) { c.driver = driver },
	})
	c.keeper = newKeeper(root, ttl, settings)
	later.Keeper = c.keeper
	transport := upstream.New(http.DefaultTransport, prometheus.DefaultRegisterer)
	http.DefaultTransport = transport
	transport.SetStarting(!found)
	registry.RegisterHandler(func(_ *configuration.Configuration, next http.Handler) http.Handler {
		c.front = front.New(next)
		return c.front
	})
	if c.registry, err = newRegistry(config); err != nil {
		return nil, err
	}
	transport.SetStarting(false)
	var ctx context.Context
	ctx, c.stop = context.WithCancel(context.Background())
	c.keeper.Start(ctx, c.driver)
	return c, nil
}

// observer lets the keeper be made after the options that mention it.
type observer struct{ store.Keeper }

// newRegistry turns distribution's panics into errors.
func newRegistry(config *configuration.Configuration) (r *registry.Registry, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("making the registry: %v", p)
		}
	}()
	if !wantsTraces(config) {
		dropTraces()
		defer dropTraces()
	}
	r, err = registry.NewRegistry(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("making the registry: %w", err)
	}
	return r, nil
}

// storeWait is how long what is still being stored may take at the end. The pod is killed 30 s after it was told to stop, and
// of these its clients may have had 25.
const storeWait = 2 * time.Second

// close ends what clients do not wait for.
func (c *cache) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), storeWait)
	defer cancel()
	err := c.front.Wait(ctx)
	c.stop()
	return errors.Join(err, c.keeper.Close(), c.driver.Close())
}

// serveDebug serves metrics, health and profiles as the stock registry does, and not health any more when the cache leaves.
func serveDebug(config *configuration.Configuration, l *leaving) {
	if config.HTTP.Debug.Addr == "" {
		return
	}
	if config.HTTP.Debug.Prometheus.Enabled {
		path := config.HTTP.Debug.Prometheus.Path
		if path == "" {
			path = "/metrics"
		}
		http.Handle(path, metrics.Handler())
	}
	server := &http.Server{Addr: config.HTTP.Debug.Addr, Handler: l.watch(http.DefaultServeMux), ReadHeaderTimeout: time.Minute}
	go func() {
		logrus.Infof("debug server listening %v", server.Addr)
		logrus.Fatalf("error listening on debug interface: %v", server.ListenAndServe())
	}()
}
