package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/distribution/distribution/v3/configuration"
	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	storagemiddleware "github.com/distribution/distribution/v3/registry/storage/driver/middleware"

	"github.com/registry-cache/registry-cache/cache/store"
)

// middlewareName is what the program puts in the configuration; users do not.
const middlewareName = "registry-cache"

// optionsKey is where the middleware finds its DriverOptions.
const optionsKey = "options"

// registerMiddleware makes the middleware known to distribution, once.
var registerMiddleware = sync.OnceValue(func() error {
	return storagemiddleware.Register(middlewareName, newDriver)
})

func (o DriverOptions) middleware() configuration.Middleware {
	return configuration.Middleware{Name: middlewareName, Options: configuration.Parameters{optionsKey: o}}
}

func newDriver(_ context.Context, inner storagedriver.StorageDriver, options map[string]any) (storagedriver.StorageDriver, error) {
	o, ok := options[optionsKey].(DriverOptions)
	if !ok {
		return nil, errors.New("the storage middleware " + middlewareName + " is put in by the program, not by its configuration")
	}
	driver := store.New(inner, o.Options)
	if o.Created != nil {
		o.Created(driver)
	}
	return driver, nil
}

// rootDirectory is where the filesystem driver stores.
func rootDirectory(config *configuration.Configuration) (string, error) {
	if kind := config.Storage.Type(); kind != "filesystem" {
		return "", fmt.Errorf("storage must be filesystem, not %q", kind)
	}
	directory, ok := config.Storage.Parameters()["rootdirectory"]
	if !ok {
		return "/var/lib/registry", nil // distribution's default
	}
	return fmt.Sprint(directory), nil
}
