package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// wait is a request for which containerd waited for a cache that did not answer.
type wait struct {
	at             time.Time
	upstream, node string
	line           string
}

var (
	lineTime     = regexp.MustCompile(`time="([^"]*)"`)
	lineURL      = regexp.MustCompile(`url="[^"]*"`)
	lineUpstream = regexp.MustCompile(`[?&]ns=([a-z0-9.-]*)`)
)

// waits reads them from containerd's log.
func waits(node *machine) (list []wait) {
	for line := range strings.Lines(node.Logs(cluster.Containerd)) {
		if !strings.Contains(line, "trying next host") || !strings.Contains(line, "timeout") {
			continue
		}
		w := wait{node: node.Name, line: strings.TrimSpace(line)}
		if match := lineTime.FindStringSubmatch(line); match != nil {
			w.at, _ = time.Parse(time.RFC3339Nano, match[1]) // else it was never, when nothing happened
		}
		if match := lineUpstream.FindStringSubmatch(line); match != nil {
			w.upstream = match[1]
		}
		list = append(list, w)
	}
	return list
}

// deadly are the events that make a cache dead from one moment to the next. All others give it time to leave its Service.
var deadly = []string{cacheKilled, cacheRemoved}

// judgeWaits returns how many waits there were while a cache was dead, and notes a fault for each other one.
func (s *soak) judgeWaits() (excused map[string]int) {
	excused = map[string]int{}
	for _, node := range s.nodes {
		for _, w := range waits(node) {
			events := s.journal.during(w.at, w.at, w.upstream, w.node)
			cause := slices.IndexFunc(events, func(e event) bool { return slices.Contains(deadly, e.kind) })
			if cause < 0 {
				s.fault("containerd of %s waited for a cache that was not dead (%s): %s", w.node, describe(events, w.at), w.line)
				continue
			}
			excused[events[cause].kind]++
			fmt.Printf("waited on %s: %s: %s\n", w.node, describe(events, w.at), lineURL.FindString(w.line))
		}
	}
	return excused
}
