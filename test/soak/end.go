package main

import (
	"context"
	"io/fs"
	"regexp"
	"time"

	"github.com/registry-cache/registry-cache/test/livecluster"
)

// end deletes everything at once, and looks for what should not be there then.
func (s *soak) end(ctx context.Context) {
	s.collect(ctx)
	for _, node := range s.nodes {
		s.findStrangers(node)
	}
	if _, err := s.cluster.Kubectl(ctx, s.current().manifest, "delete", "-f", "-"); err != nil {
		s.fault("deleting everything: %v", err)
		return
	}
	random := s.random(2000)
	for _, node := range s.nodes {
		for _, u := range s.upstreams {
			hosts, err := livecluster.Hosts(node.Node, u.name)
			if err != nil || livecluster.NamesCache(hosts) {
				s.fault("%s after everything was deleted: %v, %q", node.Name, err, hosts)
			}
			err = s.with(u, node, random, func(i *image) error {
				begin := time.Now()
				err := s.pullOnce(ctx, u, node, i)
				if took := time.Since(begin); took > slow {
					s.fault("a pull on %s took %s after everything was deleted", node.Name, took)
				}
				return err
			})
			if err != nil {
				s.fault("%v", err)
			}
		}
	}
}

// known are the files that the guards and the cleaner keep on a node.
var known = regexp.MustCompile(`^(/etc/containerd/certs\.d/(docker\.io|quay\.io|ghcr\.io)(/hosts\.toml)?` +
	`|/run/registry-cache/(state\.[a-z-]+|withdrawn|withdrawn/ghcr\.io))$`)

// findStrangers notes a fault for each file that should not be where guards and cleaners write. A guard at work has one for a
// round of probes.
func (s *soak) findStrangers(node *machine) {
	for _, dir := range []string{certsDir, stateDir} {
		err := walk(node, dir, func(path string, entry fs.DirEntry) {
			info, err := entry.Info()
			if err == nil && !known.MatchString(path) && time.Since(info.ModTime()) > lastsNotLonger {
				s.fault("%s has been on %s since %s", path, node.Name, info.ModTime().Format(time.TimeOnly))
			}
		})
		if err != nil {
			s.fault("%v", err)
		}
	}
}

// lastsNotLonger is how old a temporary file may become.
const lastsNotLonger = 30 * time.Second
