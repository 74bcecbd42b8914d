// Command playground starts a real cluster on this machine to try the caches in: a node with kubelet and containerd, and an
// internet with registries whose requests are counted, all in network namespaces. It needs root.
//
// usage: playground up|down [-name NAME] [-nodes N]
//
// What belongs to a running playground is in bin/playground/NAME: kubeconfig, requests.log, playground.log.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

// goodName is what can be the name of a folder, and of no other than one of ours.
var goodName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "playground:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	commands := map[string]func(context.Context, playground) error{"up": up, "down": down, "serve": serve}
	if len(args) == 0 || commands[args[0]] == nil {
		return fmt.Errorf("the command must be up or down, got %q", args)
	}
	p := playground{}
	flags := flag.NewFlagSet("playground "+args[0], flag.ExitOnError)
	flags.StringVar(&p.name, "name", "default", "`name` of the playground; several can run side by side")
	flags.IntVar(&p.nodes, "nodes", 1, "`number` of nodes, 1 to 4")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("there must be nothing behind the options, got %q", flags.Args())
	}
	if !goodName.MatchString(p.name) {
		return fmt.Errorf("-name must be lower-case letters, digits and dashes, got %q", p.name)
	}
	if p.nodes < 1 || p.nodes > 4 {
		return fmt.Errorf("-nodes must be 1 to 4, got %d", p.nodes)
	}
	return commands[args[0]](ctx, p)
}
