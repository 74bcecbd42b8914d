package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/livecluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
	"github.com/registry-cache/registry-cache/test/registries"
)

// What the registries that ask for credentials want.
const username, password = "user", "password"

// kind is one of the kinds of registries there are.
type kind struct {
	URL, Description string
	options          registries.UpstreamOptions
}

// kinds are the registries of a playground.
var kinds = []kind{
	{"https://registry-1.docker.io", "docker.io: bearer tokens as on Docker Hub, for all but private/* without credentials", registries.UpstreamOptions{
		Auth: registries.AuthBearer, Username: username, Password: password, Public: isPublic,
	}},
	{"https://quay.io", "quay.io: open to everybody", registries.UpstreamOptions{}},
	{"https://basic.example.net", "basic authentication", registries.UpstreamOptions{Auth: registries.AuthBasic, Username: username, Password: password}},
	{"https://bearer.example.net", "bearer tokens for credentials", registries.UpstreamOptions{
		Auth: registries.AuthBearer, Username: username, Password: password,
	}},
	{"http://plain.example.net:5000", "plain http", registries.UpstreamOptions{}},
}

func isPublic(repository string) bool { return !strings.HasPrefix(repository, "private/") }

// startRegistries starts all registries with their images, and writes a line for every request.
func startRegistries(ctx context.Context, c *livecluster.Cluster, log string) error {
	file, err := os.Create(log)
	if err != nil {
		return fmt.Errorf("opening the log of requests: %w", err)
	}
	var lock sync.Mutex
	c.Internet().OnRequest(func(registry *cluster.Registry, r cluster.Request) {
		lock.Lock()
		defer lock.Unlock()
		_, _ = fmt.Fprintf(file, "%s %-30s %-10s %-4s %d %s\n", time.Now().Format(time.TimeOnly), registry.URL, r.Client, r.Method, r.Status, r.Path)
	})
	for i, kind := range kinds {
		registry, err := c.Internet().StartRegistry(kind.URL, kind.options)
		if err != nil {
			return err
		}
		for j, repository := range []string{"library/app:1", "library/app:2", "private/app:1"} {
			if err := push(ctx, registry, c.Base, repository, uint64(10*i+j)); err != nil {
				return err
			}
		}
	}
	return nil
}

// push makes an image that sleeps, of a few MB, and stores it in a registry.
func push(ctx context.Context, registry *cluster.Registry, base v1.Layer, repository string, seed uint64) error {
	image, err := nodeimages.App(base, nodeimages.AppOptions{Layers: 3, LayerBytes: 1_000_000, Seed: seed})
	if err != nil {
		return err
	}
	return registry.Push(ctx, repository, image)
}
