// Command soak lets caches live on a real cluster of two nodes for a while, and disturbs them all the time: images are pulled and
// pods come and go without a pause while caches are killed, configured, added and removed, upstreams fail, and containerd and
// kubelet start again. It prints figures, and fails if a pull failed, if memory, files or processes grew, or if a pull had to
// wait for a cache without a reason.
//
// Everything is real but the upstreams, which are registries in this process, and the disks of the caches, which are small
// and in memory, so that they are always nearly full. See package cluster for what it needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// options say how long it takes.
type options struct {
	duration time.Duration
	root     string // of the repository
	seed     uint64
}

func main() {
	o := parse(os.Args)
	log.SetLogger(logr.Discard())
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.run(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// parse reads the flags into a set of their own: among what is imported, some register theirs in the common one.
func parse(args []string) (o options) {
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	flags.DurationVar(&o.duration, "duration", 30*time.Minute, "how long images are pulled")
	flags.StringVar(&o.root, "root", ".", "the repository, whose programs have been built")
	flags.Uint64Var(&o.seed, "seed", 1, "decides about sizes of images, and what is pulled and disturbed in which order")
	_ = flags.Parse(args[1:]) // it exits
	return o
}

// run lets it live, prints, and returns an error that counts what was violated.
func (o options) run(ctx context.Context) (err error) {
	if o.duration < time.Minute {
		return fmt.Errorf("-duration must be at least 1m, not %s", o.duration)
	}
	s, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.cluster.Stop()) }()
	if err := s.install(ctx); err != nil {
		return err
	}
	if err := s.fill(ctx); err != nil {
		return err
	}
	began := time.Now()
	if err := s.live(ctx); err != nil {
		s.fault("it ended early: %v", err)
	}
	ended := time.Now()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.end(ctx)
	return s.report(began, ended)
}
