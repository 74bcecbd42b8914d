package main

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
)

func (o options) printPlan() {
	fmt.Printf("%d shoots with %d caches each, TLS %t, %d passes after the first; %d CPUs\n", o.shoots, o.caches, o.tls, o.passes, runtime.NumCPU())
	fmt.Print("Real: etcd, kube-apiserver (seed and shoots in one), the extension as a process with its chart's arguments and rights.\n" +
		"Played: gardenlet; the shoots' API servers (a proxy for each, with an address and an authority of its own, whose kube-system\n" +
		"is a namespace of the one API server); the gardener-resource-managers, which only create Services and StatefulSets and at once.\n" +
		"No controller manager, no pods, no leader election. CPU is the extension's own; on a busy machine the times say little.\n\n")
}

// printIdle prints what the extension takes when it is ready and has not reconciled anything.
func printIdle(w *world, s sample) {
	fmt.Printf("arguments: %s\n", strings.Join(w.extension.ChartArgs, " "))
	fmt.Printf("Clusters: %d KiB each, %d MiB in all\n", w.clusterBytes/w.options.shoots>>10, w.clusterBytes/mib)
	fmt.Printf("ready, before any Extension: CPU %s, RSS %d MiB, peak %d MiB, live heap %d MiB, %d goroutines\n\n",
		seconds(s.cpu), s.rss/mib, s.peak/mib, s.metrics.liveHeap/mib, s.metrics.goroutines)
}

func printHeader() {
	fmt.Println("pass   time     CPU  CPU/shoot  mean   RSS  peak  live  goroutines  connections  requests/reconcile  load")
	fmt.Println("          s       s         ms    ms   MiB   MiB   MiB                new  open         seed  shoot")
}

// print prints one line.
func (p pass) print() {
	seed, shoot := p.perReconcile("seed"), p.perReconcile("shoot")
	fmt.Printf("%4d %6.1f  %6.2f     %6.2f  %4d  %4d  %4d  %4d  %10d  %5d %5d        %5.1f  %5.1f  %4.1f\n",
		p.number, p.wall.Seconds(), p.cpu.Seconds(), p.cpu.Seconds()*1000/float64(max(1, p.reconciles)), p.mean.Milliseconds(),
		p.end.rss/mib, p.end.peak/mib, p.end.metrics.liveHeap/mib, p.end.metrics.goroutines,
		p.opened, p.end.connections, seed, shoot, p.end.load)
}

// perReconcile is the mean count of requests to an API server.
func (p pass) perReconcile(where string) float64 {
	count := 0
	for kind, n := range p.requests {
		if kind.where == where {
			count += n
		}
	}
	return float64(count) / float64(max(1, p.reconciles))
}

// printRequests prints what the requests of the first pass and of all others were.
func printRequests(passes []pass) {
	steady, reconciles := steadyRequests(passes)
	first := passes[0]
	kinds := map[request]int{}
	maps.Copy(kinds, first.requests)
	maps.Copy(kinds, steady)
	fmt.Printf("\nrequests per reconciliation (%d in the first pass, %d later)\n", first.reconciles, reconciles)
	fmt.Printf("%-6s %-7s %-42s %8s %8s\n", "where", "verb", "resource", "first", "steady")
	for _, kind := range slices.SortedFunc(maps.Keys(kinds), compare) {
		resource := kind.resource
		if kind.failed {
			resource += " (refused or not found)"
		}
		fmt.Printf("%-6s %-7s %-42s %8.2f %8.2f\n", kind.where, kind.verb, resource,
			float64(first.requests[kind])/float64(max(1, first.reconciles)), float64(steady[kind])/float64(max(1, reconciles)))
	}
	fmt.Println("own: of the extension's own namespace or of none; these are made by the library now and then, whatever is reconciled")
}

func compare(a, b request) int {
	return cmp.Or(cmp.Compare(a.where, b.where), cmp.Compare(a.resource, b.resource), cmp.Compare(a.verb, b.verb))
}

// steadyRequests adds up all passes but the first.
func steadyRequests(passes []pass) (requests map[request]int, reconciles int) {
	requests = map[request]int{}
	for _, p := range passes[1:] {
		for kind, count := range p.requests {
			requests[kind] += count
		}
		reconciles += p.reconciles
	}
	return requests, reconciles
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
