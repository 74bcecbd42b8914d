package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// maxMemory is what the extension may take at most, at any time.
	maxMemory = 300 * mib
	// maxCPU is what the first pass of maxCPUCaches caches without TLS may take; of fewer caches in proportion, but
	// minCPU is always granted.
	maxCPU       = 60 * time.Second
	maxCPUCaches = 5000
	minCPU       = 10 * time.Second
	// heapOfNone is the live heap of an extension with hardly any shoot, most of it kustomize's schema and compressors, and
	// heapOfShoot what each adds: its Extension, its Shoot, a place in the queue. Both are a fifth above what was measured.
	heapOfNone  = 40 * mib
	heapOfShoot = 35 << 10
)

// libraryWrites are the writes of gardener's library in one reconciliation: it takes the operation's annotation away, and
// says in the status that it begins and that it has succeeded.
var libraryWrites = map[request]int{
	{where: "seed", verb: "patch", resource: "extensions"}:        1,
	{where: "seed", verb: "patch", resource: "extensions/status"}: 2,
}

// judge prints how the measurement compares to the limits, and returns an error that names those that were missed.
func (o options) judge(w *world, passes []pass) error {
	last := passes[len(passes)-1]
	fmt.Println()
	err := errors.Join(
		judgeReconciles(w, passes),
		judgeWrites(passes),
		limit("peak memory in MiB", last.end.peak/mib, maxMemory/mib),
		o.judgeCPU(passes[0]),
		judgeHeap(w, last),
		judgeGrowth(passes[1:]),
	)
	if err == nil {
		fmt.Println("all limits are kept")
	}
	return err
}

// limit prints a figure and its limit, and returns an error if it is above.
func limit(what string, have, most int) error {
	fmt.Printf("%s: %d, limit %d\n", what, have, most)
	if have > most {
		return fmt.Errorf("%s must be at most %d, not %d", what, most, have)
	}
	return nil
}

// judgeReconciles: an unforeseen second reconciliation would be a loop, and a failed one is no measurement. In the first
// pass both happen: gardener's library reads an Extension from its cache, which has not seen yet that the library itself has
// just changed it, and its finalizer is refused. It tries again at once.
func judgeReconciles(w *world, passes []pass) error {
	fmt.Printf("reconciliations in the first pass: %d, and %d refused attempts to add the finalizer\n", passes[0].reconciles, passes[0].failed)
	var failed []error
	for _, p := range passes[1:] {
		if p.failed > 0 || p.reconciles != w.options.shoots {
			failed = append(failed, fmt.Errorf("pass %d must have one reconciliation per shoot, %d, not %d and %d failed ones",
				p.number, w.options.shoots, p.reconciles, p.failed))
		}
	}
	for _, line := range w.extension.errors() {
		if !strings.Contains(line, "failed to add finalizer: Operation cannot be fulfilled") {
			failed = append(failed, fmt.Errorf("the extension printed: %s", line))
			break
		}
	}
	return errors.Join(failed...)
}

// judgeWrites: when nothing has changed the extension writes nothing of its own.
func judgeWrites(passes []pass) error {
	requests, reconciles := steadyRequests(passes)
	var failed []error
	library, others := 0, 0
	for kind, count := range requests {
		if !kind.writes() || kind.where == "own" {
			continue
		}
		allowed := min(count, libraryWrites[kind]*reconciles)
		library += allowed
		if more := count - allowed; more > 0 {
			others += more
			failed = append(failed, fmt.Errorf("steady state: %d times %s %s of the %s, beyond what gardener's library does", more, kind.verb, kind.resource, kind.where))
		}
	}
	fmt.Printf("writes in steady state: %d by gardener's library, %d others, limit 0\n", library, others)
	return errors.Join(failed...)
}

func (o options) judgeCPU(first pass) error {
	if o.tls {
		fmt.Printf("CPU of the first pass: %s, %s per key (%d keys); no limit with TLS\n", seconds(first.cpu),
			seconds(first.cpu/time.Duration(o.keys())), o.keys())
		return nil
	}
	most := max(minCPU, maxCPU*time.Duration(o.shoots*o.caches)/maxCPUCaches)
	return limit("CPU of the first pass in ms", int(first.cpu.Milliseconds()), int(most.Milliseconds()))
}

// keys is how many keys the first pass generates: of an authority per shoot and of each cache.
func (o options) keys() int { return o.shoots * (o.caches + 1) }

// judgeHeap: for a shoot the extension keeps less in memory than its Cluster has, because it drops the CloudProfile.
func judgeHeap(w *world, last pass) error {
	return limit(fmt.Sprintf("live heap in MiB with Clusters of %d KiB", w.clusterBytes/w.options.shoots>>10),
		last.end.metrics.liveHeap/mib, (heapOfNone+heapOfShoot*w.options.shoots)/mib)
}

// judgeGrowth compares the second half of the passes with the first, in which connections to shoots may still add up until
// the first of them have been idle for long enough.
func judgeGrowth(passes []pass) error {
	const enough = 6
	if len(passes) < enough {
		fmt.Printf("growth: not judged with less than %d passes\n", enough)
		return nil
	}
	first, second := passes[:len(passes)/2], passes[len(passes)/2:]
	var failed []error
	for _, figure := range []struct {
		what  string
		of    func(pass) int
		slack int
	}{
		{"goroutines", func(p pass) int { return p.end.metrics.goroutines }, 50},
		{"live heap in KiB", func(p pass) int { return p.end.metrics.liveHeap >> 10 }, 16 << 10},
		{"RSS in KiB", func(p pass) int { return p.end.rss >> 10 }, 32 << 10},
	} {
		before, after := most(first, figure.of), most(second, figure.of)
		failed = append(failed, limit(fmt.Sprintf("growth: most %s in passes %d to %d (%d before)", figure.what,
			second[0].number, second[len(second)-1].number, before), after, before+before/10+figure.slack))
	}
	return errors.Join(failed...)
}

func most(passes []pass, of func(pass) int) (value int) {
	for _, p := range passes {
		value = max(value, of(p))
	}
	return value
}
