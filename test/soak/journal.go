package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// What happens to caches. The first that overlaps a pull gives that its line in the table.
const (
	containerdRestarts = "containerd restarts"
	kubeletRestarts    = "kubelet restarts"
	upstreamOff        = "upstream off"
	cacheKilled        = "cache killed"
	cacheDeleted       = "cache deleted"
	ttlChanges         = "TTL changes"
	cacheRemoved       = "cache removed"
	cacheCleaned       = "cleaner, cache removed"
	cacheAdded         = "cache added"
	undisturbed        = "nothing"
)

var kinds = []string{
	containerdRestarts, kubeletRestarts, upstreamOff, cacheKilled, cacheDeleted, ttlChanges, cacheRemoved, cacheCleaned, cacheAdded, undisturbed,
}

// afterwards is how long after its end a disturbance may still be felt.
const afterwards = 2 * time.Second

// event is a disturbance. It concerns one upstream and one node, or all where that is "".
type event struct {
	kind, upstream, node string
	start, end           time.Time
}

// journal has all events.
type journal struct {
	lock   sync.Mutex
	events []*event
}

// begin notes that something begins; the function returned notes its end.
func (j *journal) begin(kind, upstream, node string) (end func()) {
	e := &event{kind: kind, upstream: upstream, node: node, start: time.Now()}
	j.lock.Lock()
	defer j.lock.Unlock()
	j.events = append(j.events, e)
	return func() {
		j.lock.Lock()
		defer j.lock.Unlock()
		e.end = time.Now()
	}
}

// during returns what happened to an upstream on a node in some time.
func (j *journal) during(from, to time.Time, upstream, node string) (found []event) {
	j.lock.Lock()
	defer j.lock.Unlock()
	for _, e := range j.events {
		concerns := (e.upstream == "" || upstream == "" || e.upstream == upstream) && (e.node == "" || e.node == node)
		over := !e.end.IsZero() && e.end.Add(afterwards).Before(from)
		if concerns && !over && !e.start.After(to) {
			found = append(found, *e)
		}
	}
	return found
}

// kind returns the line of the table for a pull.
func (j *journal) kind(p pull) string {
	for _, kind := range kinds {
		if slices.ContainsFunc(j.during(p.at, p.at.Add(p.took), p.upstream, p.node), func(e event) bool { return e.kind == kind }) {
			return kind
		}
	}
	return undisturbed
}

// describe tells what happened around a moment.
func describe(events []event, at time.Time) string {
	var texts []string
	for _, e := range events {
		text := fmt.Sprintf("%s %s%s from %+.1f s", e.kind, e.upstream, e.node, e.start.Sub(at).Seconds())
		if !e.end.IsZero() {
			text += fmt.Sprintf(" to %+.1f s", e.end.Sub(at).Seconds())
		}
		texts = append(texts, text)
	}
	if texts == nil {
		return "nothing happened"
	}
	return strings.Join(texts, "; ")
}

// count returns how many there were, of a kind if one is given.
func (j *journal) count(of ...string) (count int) {
	j.lock.Lock()
	defer j.lock.Unlock()
	for _, e := range j.events {
		if len(of) == 0 || slices.Contains(of, e.kind) {
			count++
		}
	}
	return count
}
