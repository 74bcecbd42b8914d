// Command scale measures the Gardener extension with many shoots: how much time, CPU and memory it takes and how many
// requests it sends to the API servers, in the first reconciliation of all of them and when nothing changes any more.
//
// The API server and etcd are real (package cluster) and the extension is its own process with exactly the rights and
// arguments of its chart. Played, for want of a thousand of them, are gardenlet, the shoots' API servers (see shootserver.go)
// and the gardener-resource-managers (see resourcemanager.go); the output says so.
//
// It fails if the steady state has a write that is not gardener's library's, if something grows from pass to pass, or if
// the extension takes more memory or CPU than the limits (see limits.go).
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// options say what is measured.
type options struct {
	shoots, caches, passes int
	tls                    bool
	extension              string // path of the program
}

func main() {
	o := parse(os.Args)
	// What the played resource-managers could not do is worth a line, and nothing else is.
	log.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.run(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// parse reads the flags into a set of their own: among what is imported, some register theirs in the common one.
func parse(args []string) (o options) {
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	flags.IntVar(&o.shoots, "shoots", 1000, "how many shoots")
	flags.IntVar(&o.caches, "caches", 5, "how many caches each shoot has")
	flags.IntVar(&o.passes, "passes", 10, "how many times all shoots are reconciled after the first time")
	flags.BoolVar(&o.tls, "tls", false, "serve the caches with TLS: the extension then generates a key per shoot and one per cache")
	flags.StringVar(&o.extension, "extension", "bin/gardener-extension-registry-cache", "the program to measure")
	_ = flags.Parse(args[1:]) // it exits
	return o
}

// run measures, prints, and returns an error that names every limit that was missed.
func (o options) run(ctx context.Context) (err error) {
	if err := o.validate(); err != nil {
		return err
	}
	o.printPlan()
	w, err := newWorld(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if stopped := w.stop(); err == nil {
			err = stopped
		}
	}()
	idle, err := w.sample(ctx)
	if err != nil {
		return err
	}
	printIdle(w, idle)
	var passes []pass
	printHeader()
	for i := range o.passes + 1 {
		p, err := w.pass(ctx, i)
		if err != nil {
			return err
		}
		p.print()
		passes = append(passes, p)
	}
	printRequests(passes)
	return o.judge(w, passes)
}

func (o options) validate() error {
	for name, value := range map[string]int{"shoots": o.shoots, "caches": o.caches} {
		if value < 1 || value > maxShoots {
			return fmt.Errorf("-%s must be from 1 to %d, not %d", name, maxShoots, value)
		}
	}
	if o.passes < 1 {
		return fmt.Errorf("-passes must be at least 1, not %d", o.passes)
	}
	return nil
}
