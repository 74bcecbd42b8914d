package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints what was seen, judges it, and returns an error if anything was violated.
func (s *soak) report(began, ended time.Time) error {
	growths := s.samples.growths(began, ended)
	for _, table := range []func(io.Writer){
		func(out io.Writer) { s.reportPulls(out) },
		func(out io.Writer) { s.reportCaches(out) },
		func(out io.Writer) { reportGrowth(out, growths) },
	} {
		fmt.Println()
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		table(out)
		if err := out.Flush(); err != nil {
			return err
		}
	}
	s.reportDisturbances()
	s.judgeGrowth(growths)
	if len(s.faults) == 0 {
		fmt.Println("\nnothing was violated")
		return nil
	}
	fmt.Printf("\n%d violations:\n  %s\n", len(s.faults), strings.Join(s.faults, "\n  "))
	return fmt.Errorf("%d violations", len(s.faults))
}

// row prints cells.
func row(out io.Writer, cells ...any) {
	for _, cell := range cells {
		_, _ = fmt.Fprintf(out, "%v\t", cell) // the writer keeps its error until it is flushed
	}
	_, _ = fmt.Fprintln(out)
}

// group is pulls under the same circumstances.
type group struct {
	times                     []time.Duration // sorted
	failed, slow, interrupted int
}

// quantile returns the smallest time that at least this part of all does not exceed.
func (g *group) quantile(part float64) time.Duration {
	index := int(math.Ceil(part*float64(len(g.times)))) - 1
	return g.times[min(max(index, 0), len(g.times)-1)]
}

// reportPulls prints the times of pulls and of pods, by what happened meanwhile.
func (s *soak) reportPulls(out io.Writer) {
	groups := map[string]*group{}
	for _, p := range s.pulls.all() {
		what := "pulls"
		if p.pod {
			what = "pods"
		}
		for _, name := range []string{"all " + what, what + ": " + s.journal.kind(p)} {
			g := groups[name]
			if g == nil {
				g = &group{}
				groups[name] = g
			}
			g.times = append(g.times, p.took)
			g.failed += count(p.err != nil)
			g.slow += count(p.slow)
			g.interrupted += count(p.interrupted)
		}
	}
	row(out, "meanwhile", "count", "failed", "over "+slow.String(), "broken off by us", "p50 s", "p99 s", "max s")
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g := groups[name]
		slices.Sort(g.times)
		row(out, name, len(g.times), g.failed, g.slow, g.interrupted, seconds(g.quantile(0.5)), seconds(g.quantile(0.99)), seconds(g.quantile(1)))
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

// reportCaches prints what the caches and upstreams have counted.
func (s *soak) reportCaches(out io.Writer) {
	header := []any{""}
	for _, u := range s.upstreams {
		header = append(header, u.name)
	}
	row(out, header...)
	line := func(name string, value func(*upstream) string) {
		cells := []any{name}
		for _, u := range s.upstreams {
			cells = append(cells, value(u))
		}
		row(out, cells...)
	}
	line("processes", func(u *upstream) string { return fmt.Sprint(s.totals.get(u.name, "processes")) })
	line("blobs served: hits", func(u *upstream) string { return fmt.Sprint(s.totals.get(u.name, "hits")) })
	line("blobs served: misses", func(u *upstream) string { return fmt.Sprint(s.totals.get(u.name, "misses")) })
	line("hits, %", func(u *upstream) string {
		hits := s.totals.get(u.name, "hits")
		return fmt.Sprintf("%.0f", 100*hits/(hits+s.totals.get(u.name, "misses")))
	})
	for _, c := range counters[2:] {
		line(c.name, func(u *upstream) string { return fmt.Sprint(s.totals.get(u.name, c.name)) })
	}
	line("blobs from the upstream to the cache", func(u *upstream) string { return fmt.Sprint(u.fromPods) })
	line("blobs from the upstream to nodes", func(u *upstream) string { return fmt.Sprint(u.fromNodes) })
}

// reportGrowth prints all series.
func reportGrowth(out io.Writer, growths []growth) {
	row(out, "median of", "second fifth", "last fifth", "90 % of all", "most")
	for _, g := range growths {
		row(out, g.series, number(g.early), number(g.late), number(g.often), number(g.most))
	}
}

func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	return fmt.Sprintf("%.1f", v)
}

// reportDisturbances prints how often what happened.
func (s *soak) reportDisturbances() {
	excused := s.judgeWaits()
	fmt.Println()
	for _, kind := range kinds {
		if n := s.journal.count(kind); n > 0 {
			fmt.Printf("%s: %d times", kind, n)
			if excused[kind] > 0 {
				fmt.Printf(", in which containerd waited %d times for a cache that did not answer", excused[kind])
			}
			fmt.Println()
		}
	}
}
