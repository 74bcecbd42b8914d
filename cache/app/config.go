package app

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/sirupsen/logrus"

	"github.com/registry-cache/registry-cache/cache/store"
)

// pathVariable is distribution's.
const pathVariable = "REGISTRY_CONFIGURATION_PATH"

// configPath finds the configuration file as distribution does.
func configPath(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	if path := os.Getenv(pathVariable); path != "" {
		return path, nil
	}
	return "", errors.New("the path of a configuration file is missing")
}

// readConfig reads a configuration file and the environment as distribution does.
func readConfig(path string) (*configuration.Configuration, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	defer func() { _ = file.Close() }()
	config, err := configuration.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", path, err)
	}
	return config, nil
}

// complete puts our storage middleware in, and takes out what the keeper does in distribution's place: expiry (which leaks
// manifests and tags) and purging of uploads. It returns the time to live, 0 for ever.
func complete(config *configuration.Configuration, driver DriverOptions) (ttl time.Duration) {
	ttl = defaultTTL
	if config.Proxy.TTL != nil {
		ttl = max(0, *config.Proxy.TTL)
	}
	never := time.Duration(0)
	config.Proxy.TTL = &never
	if config.Proxy.CacheWriteTimeout != nil {
		driver.Options.CommitTimeout = *config.Proxy.CacheWriteTimeout
	}
	if config.Middleware == nil {
		config.Middleware = map[string][]configuration.Middleware{}
	}
	config.Middleware["storage"] = append(config.Middleware["storage"], driver.middleware())
	dropUnsuitable(config)
	config.Storage["maintenance"] = withoutPurging(config.Storage["maintenance"])
	return ttl
}

// dropUnsuitable takes out what the stock registry bears and this program does not.
func dropUnsuitable(config *configuration.Configuration) {
	if _, ok := config.Storage["cache"]; ok {
		// It says "there" of a blob that was evicted: https://github.com/distribution/distribution/issues/2367.
		logrus.Warn("storage.cache is ignored: what it remembers of blobs does not hold for a cache, which evicts them")
		delete(config.Storage, "cache")
	}
	if len(config.Notifications.Endpoints) > 0 {
		// Their client takes http.DefaultTransport for a type that it is not here.
		logrus.Warn("notifications.endpoints is ignored: a cache takes no pushes that it could tell of")
		config.Notifications.Endpoints = nil
	}
}

// defaultTTL is distribution's.
const defaultTTL = 7 * 24 * time.Hour

func withoutPurging(maintenance configuration.Parameters) configuration.Parameters {
	result := configuration.Parameters{}
	for key, value := range maintenance {
		result[key] = value
	}
	result["uploadpurging"] = map[any]any{"enabled": false}
	return result
}

// DriverOptions say how the storage middleware makes its driver.
type DriverOptions struct {
	Options store.Options
	// Created is told of the driver.
	Created func(*store.Driver)
}
