package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one line of the table: what both programs had in each round.
type figure struct {
	name   string
	unit   string
	more   bool // more is better
	values map[string][]float64
}

// figures are the lines, in the order of their first value.
type figures struct {
	list []*figure
}

func (f *figures) add(program, name, unit string, more bool, value float64) {
	for _, known := range f.list {
		if known.name == name && known.unit == unit {
			known.values[program] = append(known.values[program], value)
			return
		}
	}
	f.list = append(f.list, &figure{name: name, unit: unit, more: more, values: map[string][]float64{program: {value}}})
}

// addResult adds what one program did in a phase.
func (f *figures) addResult(program string, ph phase, r result) {
	if ph.latency {
		f.add(program, ph.name+", p50", "ms", false, ms(quantile(r.latencies, 0.5)))
		f.add(program, ph.name+", p99", "ms", false, ms(quantile(r.latencies, 0.99)))
		f.add(program, ph.name, "CPU-ms/request", false, ms(r.cpu)/float64(len(ph.paths)))
		return
	}
	f.add(program, ph.name, "MiB/s", true, float64(r.bytes)/mib/r.elapsed.Seconds())
	f.add(program, ph.name, "CPU-s/GiB", false, r.cpu.Seconds()/(float64(r.bytes)/(1<<30)))
	if !ph.hit {
		f.add(program, ph.name, "% stored", true, 100*r.stored)
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// addMemory adds what one program holds at the end of a round.
func (f *figures) addMemory(p *program) error {
	for _, line := range []struct{ key, name string }{{"VmRSS", "memory after the round"}, {"VmHWM", "memory at most"}} {
		bytes, err := p.memory(line.key)
		if err != nil {
			return err
		}
		f.add(p.name, line.name, "MiB", false, float64(bytes)/mib)
	}
	return nil
}

// ratio is how well ours did: the median over the rounds of ours to stock in the same round, above 1 where ours is better.
// Both of a pair were measured right after each other, so that what else the machine did weighs on both.
func (f *figure) ratio() float64 {
	var ratios []float64
	for i, stock := range f.values[stockName] {
		ours := f.values[oursName][i]
		if f.more {
			ratios = append(ratios, ours/stock)
		} else {
			ratios = append(ratios, stock/ours)
		}
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// quantile returns the smallest value that at least this part of all values does not exceed.
func quantile(values []time.Duration, part float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	index := int(part*float64(len(sorted))+0.9999) - 1
	return sorted[min(max(index, 0), len(sorted)-1)]
}

// print writes the table.
func (f *figures) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := fmt.Fprintf(table, "\t\t%s\t%s\tours is better by\t\n", stockName, oursName); err != nil {
		return err
	}
	for _, line := range f.list {
		mark := ""
		if line.ratio() < goal {
			mark = "below the goal"
		}
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.2f\t%s\n", line.name, line.unit,
			number(median(line.values[stockName])), number(median(line.values[oursName])), line.ratio(), mark); err != nil {
			return err
		}
	}
	return table.Flush()
}

// number has three digits that say something.
func number(value float64) string {
	switch {
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	case value >= 1:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.3f", value)
}

// machineLoad says how busy the machine is with other things.
func machineLoad() string {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(content))[:3], " ")
}
