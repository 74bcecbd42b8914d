// Command cachebench compares our cache to the stock registry: both run as processes with the same config.yml on loopback,
// in front of the same upstream in memory, and take turns in everything that is measured. It prints the medians; it fails
// when a request fails, never because something was slow.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

const (
	stockName = "stock"
	oursName  = "ours"
	// goal is how ours should compare to stock in every line.
	goal = 0.95
)

type options struct {
	stock, ours, config, dir string
	sizes                    sizes
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, parseFlags())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cachebench:", err)
		os.Exit(1)
	}
}

func parseFlags() options {
	o := options{sizes: full}
	flag.StringVar(&o.stock, "stock", "bin/tools/registry", "distribution's own registry")
	flag.StringVar(&o.ours, "ours", "bin/registry-cache", "our cache")
	flag.StringVar(&o.config, "config", "bases/cache/config.yml", "the config.yml of both; addresses and folders are replaced")
	flag.StringVar(&o.dir, "dir", "", "where both store (default: the folder for temporary files)")
	quick := flag.Bool("short", false, "one round of little, to see that it works")
	rounds := flag.Int("rounds", 0, "how often everything is measured (default 7, 1 with -short)")
	flag.Parse()
	if *quick {
		o.sizes = short
	}
	if *rounds > 0 {
		o.sizes.rounds = *rounds
	}
	return o
}

func run(ctx context.Context, o options) error {
	u, err := startUpstream()
	if err != nil {
		return err
	}
	defer func() { _ = u.close() }() // nothing is lost with it
	f := &figures{}
	fmt.Printf("%d rounds on %d processors, load before: %s\n", o.sizes.rounds, runtime.NumCPU(), machineLoad())
	begin := time.Now()
	for round := range o.sizes.rounds {
		if err := runRound(ctx, o, u, round, f); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	fmt.Printf("took %s, load after: %s; medians:\n", time.Since(begin).Round(time.Second), machineLoad())
	return f.print(os.Stdout)
}

// runRound runs all phases with both programs and empty stores. The one that begins is another in the next round.
func runRound(ctx context.Context, o options, u *upstream, round int, f *figures) (err error) {
	programs := []struct{ name, binary string }{{stockName, o.stock}, {oursName, o.ours}}
	if round%2 == 1 {
		programs[0], programs[1] = programs[1], programs[0]
	}
	var running []*program
	defer func() {
		for _, p := range running {
			err = errors.Join(err, p.stop())
		}
	}()
	for _, p := range programs {
		started, err := startProgram(ctx, p.name, p.binary, o.config, o.dir, u.url())
		if err != nil {
			return err
		}
		running = append(running, started)
	}
	list, err := phases(u, o.sizes)
	if err != nil {
		return err
	}
	for _, ph := range list {
		for _, p := range running {
			r, err := measure(ctx, p, ph)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", p.name, ph.name, err)
			}
			f.addResult(p.name, ph, r)
		}
	}
	for _, p := range running {
		if err := f.addMemory(p); err != nil {
			return err
		}
	}
	return nil
}
