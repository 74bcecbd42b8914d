package main

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/test/livecluster"
)

const (
	configurator = "registry-cache-node-configurator"
	cleaner      = "registry-configuration-cleaner"
)

// runCleaner withdraws the passing cache from all nodes and returns what ends the cleaner.
func (s *soak) runCleaner(ctx context.Context) (end func(), err error) {
	config, err := yaml.Marshal(functions.RegistryCleaner{
		TypeMeta: metav1.TypeMeta{APIVersion: functions.APIVersion, Kind: "RegistryCleaner"}, Upstreams: []string{passing},
	})
	if err != nil {
		return nil, err
	}
	manifest, err := s.cluster.Render(ctx, config)
	if err != nil {
		return nil, err
	}
	end = func() {
		if _, err := s.cluster.Kubectl(ctx, manifest, "delete", "-f", "-"); err != nil && ctx.Err() == nil {
			s.fault("deleting the cleaner: %v", err)
		}
	}
	if _, err := s.cluster.Kubectl(ctx, manifest, "apply", "-f", "-"); err != nil {
		return nil, err
	}
	if err := s.rollout(ctx, "daemonset/"+cleaner); err != nil {
		end()
		return nil, err
	}
	return end, s.expectCleaned()
}

// expectCleaned notes a fault for each node that still uses the passing cache.
func (s *soak) expectCleaned() error {
	for _, node := range s.nodes {
		hosts, err := livecluster.Hosts(node.Node, passing)
		if err != nil {
			return err
		}
		if livecluster.NamesCache(hosts) {
			s.fault("%s uses the cache of %s although the cleaner is done: %q", node.Name, passing, hosts)
		}
	}
	return nil
}
