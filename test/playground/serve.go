package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
	"github.com/registry-cache/registry-cache/test/registries"
)

//go:embed ready.txt
var readyText string

// serve runs a playground until it is told to stop.
func serve(ctx context.Context, p playground) error {
	log.SetLogger(logr.Discard())
	folder, err := p.folder()
	if err != nil {
		return err
	}
	c, err := start(ctx, p, folder)
	if err != nil {
		return err
	}
	err = present(ctx, p, c, folder)
	if err == nil {
		<-ctx.Done()
	}
	if failed := c.Stop(); failed != nil {
		err = errors.Join(err, failed, os.WriteFile(filepath.Join(folder, "complaint"), []byte(failed.Error()), 0o644))
	}
	return err
}

// start makes the images and starts the cluster.
func start(ctx context.Context, p playground, folder string) (*cluster.Cluster, error) {
	authority, err := registries.NewCA()
	if err != nil {
		return nil, err
	}
	set := nodeimages.Set{Root: ".", Dir: filepath.Join(folder, "images"), CA: authority.PEM()}
	archives, err := set.Write(ctx)
	if err != nil {
		return nil, err
	}
	pause, err := nodeimages.Reference(nodeimages.Pause)
	if err != nil {
		return nil, err
	}
	dns, err := nodeimages.Reference(nodeimages.CoreDNS)
	if err != nil {
		return nil, err
	}
	return cluster.Start(ctx, cluster.Options{
		Nodes: p.nodes, Authority: authority, Archives: archives, PauseImage: pause, DNSImage: dns, WithoutResourceManager: true,
	})
}

// present starts the registries and tells how to use it all.
func present(ctx context.Context, p playground, c *cluster.Cluster, folder string) error {
	if err := startRegistries(ctx, c, filepath.Join(folder, "requests.log")); err != nil {
		return err
	}
	kubeconfig, err := os.ReadFile(c.Kubeconfig())
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "kubeconfig"), kubeconfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	// A file that is there is whole.
	unfinished := filepath.Join(folder, "ready.tmp")
	file, err := os.Create(unfinished)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // its end is checked below
	err = template.Must(template.New("ready").Parse(readyText)).Execute(file, map[string]any{
		"Name": p.name, "Folder": folder, "Nodes": c.Nodes(), "Kinds": kinds, "User": username, "Password": password, "Now": time.Now().Format(time.TimeOnly),
	})
	if err != nil {
		return fmt.Errorf("saying what to try: %w", err)
	}
	return errors.Join(file.Sync(), os.Rename(unfinished, filepath.Join(folder, "ready")))
}
