//go:build integration

package integration

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// killsPerSequence is how many kills one Shoot survives; several sequences run side by side.
const killsPerSequence = 5

// TestKilled kills the extension at random points of random operations, and starts it again: the end is always what was asked
// for last. It prints what is needed to repeat it: the order of operations is that of the seed, and their moments too, as far
// as the machine is as busy as it was.
func TestKilled(t *testing.T) {
	begin := *killSeed
	if begin == 0 {
		begin = time.Now().UnixNano() % 1e6
	}
	hit := &hits{steps: map[string]int{}}
	t.Cleanup(func() { t.Logf("figure: killed %s", hit) })
	for i := 0; i*killsPerSequence < *kills; i++ {
		n := min(killsPerSequence, *kills-i*killsPerSequence)
		t.Run(fmt.Sprintf("seed=%d", begin+int64(i)), func(t *testing.T) { killSequence(t, uint64(begin)+uint64(i), n, hit) })
	}
}

// killSequence survives n kills and ends with nothing.
func killSequence(t *testing.T, seed uint64, n int, hit *hits) {
	e := newEnv(t, "--log-level=debug") // which tells of every step
	k := &killing{env: e, s: e.newShoot(fmt.Sprintf("killed-%d", seed)), random: rand.New(rand.NewPCG(seed, 0)), hit: hit}
	for range n {
		k.killOnce()
	}
	if k.hibernated {
		k.operations()["wake up"].apply()
		e.must(k.s.WaitReady(e.ctx, cacheExtension))
	}
	if k.caches != nil {
		e.disable(k.s)
	}
	e.expectNothing(k.s)
}

// hits counts the steps that were interrupted.
type hits struct {
	sync.Mutex
	steps map[string]int
}

func (h *hits) add(step string) {
	h.Lock()
	defer h.Unlock()
	h.steps[step]++
}

// String lists them, for a figure.
func (h *hits) String() string {
	h.Lock()
	defer h.Unlock()
	var texts []string
	for _, step := range slices.Sorted(maps.Keys(h.steps)) {
		texts = append(texts, fmt.Sprintf("%s: %d", step, h.steps[step]))
	}
	return strings.Join(texts, "; ")
}

// killing is a Shoot whose extension is killed.
type killing struct {
	*env
	s      *cluster.Shoot
	random *rand.Rand
	hit    *hits
	// caches are those that were asked for last, nil if the extension is disabled.
	caches     []wanted
	hibernated bool
}

// operation is something that gardenlet asks for.
type operation struct {
	// steps is how many steps the extension takes, at most, and length how long that takes, about.
	steps  int
	length time.Duration
	apply  func()
}

// operations are those that can be asked for now, by their names.
func (k *killing) operations() map[string]operation {
	change := func(length time.Duration, caches []wanted) operation {
		return operation{12, length, func() {
			k.caches = caches
			k.must(k.s.ApplyExtension(k.ctx, cacheExtension, configOf(caches)))
		}}
	}
	hibernate := func(steps int, hibernated bool) operation {
		return operation{steps, time.Second, func() {
			k.hibernated = hibernated
			k.must(k.s.Hibernate(k.ctx, hibernated))
			k.must(k.s.ApplyExtension(k.ctx, cacheExtension, configOf(k.caches)))
		}}
	}
	disable := operation{8, 8 * time.Second, func() {
		k.caches = nil
		k.must(k.s.DeleteExtension(k.ctx, cacheExtension))
	}}
	switch {
	case k.caches == nil:
		return map[string]operation{"create": change(3*time.Second, k.anyCaches())}
	case k.hibernated:
		return map[string]operation{"wake up": hibernate(12, false), "disable while hibernated": disable}
	}
	all := map[string]operation{"hibernate": hibernate(0, true), "disable": disable}
	i := k.random.IntN(len(k.caches))
	toggled := slices.Clone(k.caches)
	toggled[i].tls = !toggled[i].tls
	all["toggle TLS"] = change(time.Second, toggled)
	if len(k.caches) > 1 {
		all["remove"] = change(5*time.Second, slices.Delete(slices.Clone(k.caches), i, i+1))
	}
	if free := k.unused(); len(free) > 0 {
		all["add"] = change(3*time.Second, append(slices.Clone(k.caches), free[0]))
	}
	return all
}

// anyCaches are one to three caches.
func (k *killing) anyCaches() []wanted { return k.unused()[:1+k.random.IntN(3)] }

// unused are the caches that there could be, in any order.
func (k *killing) unused() (free []wanted) {
	for _, upstream := range []string{"docker.io", "ghcr.io", "quay.io"} {
		if !slices.ContainsFunc(k.caches, func(w wanted) bool { return w.upstream == upstream }) {
			free = append(free, wanted{upstream, k.random.IntN(2) == 0})
		}
	}
	k.random.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	return free
}

// any returns one of the operations that can be asked for now.
func (k *killing) any() (string, operation) {
	all := k.operations()
	names := slices.Sorted(maps.Keys(all)) // the order of a map would be another source of chance
	name := names[k.random.IntN(len(names))]
	return name, all[name]
}

// killOnce kills the extension in an operation, sometimes has gardenlet ask for another one before it is back, and looks at
// the end.
func (k *killing) killOnce() {
	k.t.Helper()
	name, operation := k.any()
	deleting, asleep := strings.HasPrefix(name, "disable"), false
	seen := len(k.extension.Logs())
	operation.apply()
	step, after := k.killAt(operation, seen)
	k.hit.add(step)
	if !deleting && k.random.IntN(3) == 0 {
		second, next := k.any()
		deleting, asleep = strings.HasPrefix(second, "disable"), second == "hibernate"
		next.apply()
		name += ", then " + second
	}
	k.extension = k.startController("extension", "--log-level=debug")
	k.waitHealthy(k.extension, "/readyz")
	start := time.Now()
	if deleting {
		k.must(k.s.WaitDeleted(k.ctx, cacheExtension))
		k.expectNothing(k.s)
		k.hibernated = false
		k.must(k.s.Hibernate(k.ctx, false))
	} else {
		k.must(k.s.WaitReady(k.ctx, cacheExtension))
		if asleep { // what was interrupted follows when the Shoot wakes up
			k.operations()["wake up"].apply()
			k.must(k.s.WaitReady(k.ctx, cacheExtension))
		}
		k.expectEnd(k.s, k.caches)
	}
	k.t.Logf("%s: killed when %s, %s after that began; it was in order %s after the next start, with %v",
		name, step, after.Round(time.Millisecond), time.Since(start).Round(100*time.Millisecond), k.caches)
}

// killAt kills the extension in a random step of an operation, or after a random time if it does not get that far, and
// returns the name of its last step and how long that had lasted. Half of the time it is killed right when the step begins:
// most take a few milliseconds only, and the waits the rest.
func (k *killing) killAt(o operation, seen int) (step string, after time.Duration) {
	k.t.Helper()
	number := k.random.IntN(o.steps + 1)
	delay := time.Duration(k.random.Int64N(int64(20 * time.Millisecond)))
	if k.random.IntN(2) == 0 {
		delay = time.Duration(k.random.Int64N(int64(o.length)))
	}
	deadline := time.Now().Add(o.length + time.Second)
	for number > 0 && len(stepsIn(k.extension.Logs()[seen:])) < number && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	began := time.Now()
	time.Sleep(delay)
	k.must(k.extension.Kill())
	steps := stepsIn(k.extension.Logs()[seen:])
	if len(steps) == 0 {
		return "before the first step", time.Since(began)
	}
	return cmp.Or(steps[len(steps)-1], "?"), time.Since(began)
}

// stepsIn are the names of the steps that a log tells of.
func stepsIn(log string) (steps []string) {
	for line := range strings.Lines(log) {
		if _, rest, found := strings.Cut(line, "Next step"); found {
			if _, rest, found = strings.Cut(rest, `"step": "`); found {
				name, _, _ := strings.Cut(rest, `"`)
				steps = append(steps, name)
			}
		}
	}
	return steps
}
