package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/registry-cache/registry-cache/test/livecluster"
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
	c, err := livecluster.Start(ctx, ".", p.nodes)
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

// present starts the registries and tells how to use it all.
func present(ctx context.Context, p playground, c *livecluster.Cluster, folder string) error {
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
		"Name": p.name, "Folder": folder, "Nodes": c.Nodes(), "Kinds": kinds, "User": username, "Password": password,
	})
	if err != nil {
		return fmt.Errorf("saying what to try: %w", err)
	}
	return errors.Join(file.Sync(), os.Rename(unfinished, filepath.Join(folder, "ready")))
}
