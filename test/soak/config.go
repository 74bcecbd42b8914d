package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	registry "github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/test/livecluster"
)

// settled is how long nodes may take to follow a change.
const settled = 3 * time.Minute

// config is what the user has written, as it is applied.
type config struct {
	ttl      time.Duration // of docker's cache
	passing  bool          // there is a cache of the passing upstream
	address  int           // of that cache, another one each time
	manifest string        // what is applied
}

func newConfig() config { return config{ttl: 24 * time.Hour, passing: true, address: 1} }

// render returns the manifests.
func (s *soak) render(ctx context.Context, c *config) (string, error) {
	caches := registry.RegistryConfig{
		TypeMeta: metav1.TypeMeta{APIVersion: "registry.extensions.gardener.cloud/v1alpha3", Kind: "RegistryConfig"},
		Caches: []registry.RegistryCache{
			{Upstream: docker, GarbageCollection: &registry.GarbageCollection{TTL: &metav1.Duration{Duration: c.ttl}}}, {Upstream: steady},
		},
	}
	whole := functions.RegistryCaches{TypeMeta: metav1.TypeMeta{APIVersion: functions.APIVersion, Kind: "RegistryCaches"}}
	if c.passing {
		caches.Caches = append(caches.Caches, registry.RegistryCache{Upstream: passing})
		// Where the cleaner withdrew an address, the same one is not used for half an hour.
		whole.Services = []functions.PinnedService{{Upstream: passing, ClusterIP: fmt.Sprintf("10.96.200.%d", c.address)}}
	}
	var err error
	if whole.RegistryConfig.Raw, err = json.Marshal(caches); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(whole)
	if err != nil {
		return "", err
	}
	return s.cluster.Render(ctx, text)
}

// current returns what was applied last.
func (s *soak) current() config {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.config
}

// apply applies a changed config, and deletes what it does not have any more.
func (s *soak) apply(ctx context.Context, change func(*config)) error {
	earlier := s.current()
	changed := earlier
	change(&changed)
	manifest, err := s.render(ctx, &changed)
	if err != nil {
		return err
	}
	changed.manifest = manifest
	if _, err := s.cluster.Kubectl(ctx, manifest, "apply", "-f", "-"); err != nil {
		return err
	}
	gone, err := missing(earlier.manifest, manifest)
	if err != nil {
		return err
	}
	s.lock.Lock()
	s.config = changed
	s.lock.Unlock()
	if gone == "" {
		return nil
	}
	_, err = s.cluster.Kubectl(ctx, gone, "delete", "-f", "-")
	return err
}

// missing returns the manifests of what was in earlier ones and is not in later ones.
func missing(earlier, later string) (string, error) {
	before, err := byName(earlier)
	if err != nil {
		return "", err
	}
	after, err := byName(later)
	if err != nil {
		return "", err
	}
	var gone []string
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if _, stays := after[key]; !stays {
			gone = append(gone, before[key])
		}
	}
	return strings.Join(gone, "\n---\n"), nil
}

// byName returns manifests by what identifies them.
func byName(manifests string) (map[string]string, error) {
	result := map[string]string{}
	for text := range strings.SplitSeq(manifests, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
			return nil, fmt.Errorf("parsing a manifest: %w", err)
		}
		if object.GetName() != "" {
			result[object.GetKind()+" "+object.GetNamespace()+"/"+object.GetName()] = text
		}
	}
	return result, nil
}

// install applies the first config and waits until all nodes use it.
func (s *soak) install(ctx context.Context) error {
	start := time.Now()
	if err := s.apply(ctx, func(*config) {}); err != nil {
		return err
	}
	if err := s.awaitConfig(ctx); err != nil {
		return err
	}
	fmt.Printf("all nodes use all caches %s after they were applied\n", time.Since(start).Round(100*time.Millisecond))
	return nil
}

// awaitConfig waits until all nodes use the caches that there are, and no other.
func (s *soak) awaitConfig(ctx context.Context) error {
	for _, u := range s.upstreams {
		if err := s.awaitUse(ctx, u.name, u.name != passing || s.current().passing); err != nil {
			return err
		}
	}
	return nil
}

// awaitUse waits until all nodes use a cache, or none does.
func (s *soak) awaitUse(ctx context.Context, upstream string, used bool) error {
	for _, node := range s.nodes {
		err := await(ctx, settled, fmt.Sprintf("%s uses the cache of %s: %t", node.Name, upstream, used), func() error {
			hosts, err := livecluster.Hosts(node.Node, upstream)
			if err == nil && livecluster.NamesCache(hosts) != used {
				err = fmt.Errorf("hosts.toml is %q", hosts)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
