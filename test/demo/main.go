// Command demo shows a pull-through cache at work, on this machine alone: it renders a RegistryConfig, runs the cache
// with the rendered config.yml in front of a small upstream registry, and pulls an image twice through it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/registry-cache/registry-cache/cache/app"
	"github.com/registry-cache/registry-cache/test/registries"
)

func main() {
	registries.ServeIfAskedWith(app.Main)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, &screen{out: os.Stdout, terminal: isTerminal(os.Stdout)}, farAway)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause // what failed because of the interrupt is no news
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo failed:", err)
		os.Exit(1)
	}
}
