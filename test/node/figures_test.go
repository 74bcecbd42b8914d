//go:build node

package node

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/registries"
)

var (
	figures = flag.Bool("figures", false, "measure what a dead cache costs without the guard, too, which takes minutes, and print all figures")

	reported struct {
		sync.Mutex
		lines []string
	}
)

// report adds a line to what is printed at the end.
func report(format string, args ...any) {
	reported.Lock()
	defer reported.Unlock()
	reported.lines = append(reported.lines, fmt.Sprintf(format, args...))
}

// samples is how often what is fast is measured.
const samples = 15

// tolerance is how much slower than a direct pull one may be that follows a withdrawal, and slack how much a busy machine
// adds to both.
const (
	tolerance = 1.1
	slack     = 50 * time.Millisecond
)

// row is a line of the table: what a pull took in each circumstance.
type row struct {
	version                    version
	layers                     int64
	direct, cached, afterwards []time.Duration
	// these are only measured for the figures
	dead, dialTimeout, beforehand time.Duration
}

// reaction is how fast a guard was.
type reaction struct{ start, withdrawal, comeback time.Duration }

// After a withdrawal a pull takes the direct time. With the flag figures all other figures are measured and printed, too.
func TestFigures(t *testing.T) { // alone, before all that is parallel
	var rows []*row
	for _, v := range []version{current, debian} {
		one, eight := &row{version: v, layers: 1}, &row{version: v, layers: 8}
		rows = append(rows, one, eight)
		t.Run(v.name, func(t *testing.T) { measureGuard(newWorld(t), v, one, eight) })
	}
	for _, r := range rows {
		if direct, afterwards := slices.Min(r.direct), slices.Min(r.afterwards); float64(afterwards) > tolerance*float64(direct)+float64(slack) {
			t.Errorf("%s: %s after the withdrawal, %s directly", r, afterwards, direct)
		}
	}
	if *figures {
		t.Run("dead", func(t *testing.T) { measureDead(t, rows) })
	}
	report("\n%s", table(rows))
}

// measureGuard measures what does not take long.
func measureGuard(w *world, v version, rows ...*row) {
	c := w.startContainerd(v)
	hub := w.startDockerHub()
	cache := w.startCache(hub, cacheAddress, nil)
	other := w.startUpstream("other.test", "https://other.test", "10.78.0.2", registries.UpstreamOptions{})
	images, direct := map[*row]string{}, map[*row]string{}
	w.startGuard(cache.registry())
	var took reaction
	took.start = cache.waitForUse(startLimit)
	for _, r := range rows {
		images[r], direct[r] = hub.push(r.repository(), r.layers, layerSize), other.push(r.repository(), r.layers, layerSize)
		c.pull(images[r])
		c.pull(direct[r])
		c.measure(images[r], &r.cached, "", nil)
	}

	w.dropAddress(cache.address)
	took.withdrawal = cache.waitForWithdrawal(withdrawalLimit)
	for _, r := range rows {
		hub.requests.reset()
		c.measure(images[r], &r.afterwards, direct[r], &r.direct)
		hub.expectFromNode(samples * int(r.layers+1))
	}
	w.addAddress(cache.address)
	took.comeback = cache.waitForUse(returnLimit)
	report("\ncontainerd %s: used %.1f s after the guard's start, withdrawn %.1f s after the death, used again %.1f s after the return",
		v.name, took.start.Seconds(), took.withdrawal.Seconds(), took.comeback.Seconds())
}

// measure pulls an image some times, by turns with another one, so that a busy machine makes both slow.
func (c *containerd) measure(image string, took *[]time.Duration, other string, otherTook *[]time.Duration) {
	c.w.t.Helper()
	for range samples {
		*took = append(*took, c.pull(image))
		if other != "" {
			*otherTook = append(*otherTook, c.pull(other))
		}
	}
}

// median returns 0 for nothing.
func median(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	took = slices.Clone(took)
	slices.Sort(took)
	return took[len(took)/2]
}

func (r *row) String() string {
	return fmt.Sprintf("containerd %s, layers: %d", r.version.name, r.layers)
}

func (r *row) repository() string { return fmt.Sprintf("library/layers%d:1", r.layers) }

// measureDead measures pulls that wait for a dead cache, all at the same time.
func measureDead(t *testing.T, rows []*row) {
	for _, r := range rows {
		for name, circumstance := range map[string]struct {
			result *time.Duration
			hosts  string // "" is the guard
		}{
			"without us":        {&r.dead, hostsFile("")},
			"with dial_timeout": {&r.dialTimeout, hostsFile("  dial_timeout = \"1s\"\n")},
			"before withdrawal": {&r.beforehand, ""},
		} {
			t.Run(r.String()+", "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				c := w.startContainerd(r.version)
				hub := w.startDockerHub()
				image := hub.push(r.repository(), r.layers, layerSize)
				cache := w.startCache(hub, cacheAddress, nil)
				if circumstance.hosts != "" {
					w.writeHosts(dockerHub, circumstance.hosts)
				} else {
					w.startGuard(cache.registry())
					cache.waitForUse(startLimit)
				}
				w.dropAddress(cache.address)
				*circumstance.result = c.pull(image)
			})
		}
	}
}

// hostsFile is what others write.
func hostsFile(more string) string {
	return fmt.Sprintf("server = %q\n\n[host.\"http://%s:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n%s", dockerHubURL, cacheAddress, more)
}

// table prints rows as Markdown.
func table(rows []*row) string {
	var text strings.Builder
	text.WriteString("| seconds for | direct | cached | dead, without us | dead, dial_timeout only | dead, guard, before withdrawal | dead, guard, after withdrawal |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&text, "| %s |%s%s%s%s%s%s\n", r, cell(median(r.direct)), cell(median(r.cached)),
			cell(r.dead), cell(r.dialTimeout), cell(r.beforehand), cell(median(r.afterwards)))
	}
	return text.String()
}

func cell(d time.Duration) string {
	if d == 0 {
		return " not measured |"
	}
	return fmt.Sprintf(" %.2f |", d.Seconds())
}
