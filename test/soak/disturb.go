package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// disturbance is something that happens again and again.
type disturbance struct {
	every time.Duration
	do    func(ctx context.Context, turn int, random *rand.Rand) error
}

// disturbances are all of them. In a short run they follow each other faster, as fast as the cluster gets over them.
func (s *soak) disturbances() []disturbance {
	every := func(whole time.Duration) time.Duration {
		return max(time.Duration(float64(whole)*s.duration.Minutes()/30), 15*time.Second)
	}
	return []disturbance{
		{every(time.Minute), s.stopCache},
		{every(75 * time.Second), s.restartProgram},
		{every(45 * time.Second), s.changeConfig},
		{every(time.Minute), s.stopUpstream},
	}
}

// repeat does it until the one context ends, and lets the last time end, which the other bounds.
func (d disturbance) repeat(until, ctx context.Context, random *rand.Rand) error {
	for turn := 0; pause(until, d.every/2+time.Duration(random.Int64N(int64(d.every)))); turn++ {
		if err := d.do(ctx, turn, random); err != nil {
			return err
		}
	}
	return nil
}

// stopCache deletes the pod of a cache, in turn with all the time to end that it asks for, and with next to none.
func (s *soak) stopCache(ctx context.Context, turn int, random *rand.Rand) error {
	u := s.upstream([]string{docker, passing}[random.IntN(2)])
	u.change.Lock()
	defer u.change.Unlock()
	if u.name == passing && !s.current().passing {
		return nil
	}
	s.collect(ctx)
	kind, grace := cacheDeleted, int64(30)
	if turn%2 == 0 {
		kind, grace = cacheKilled, 1
	}
	pod := &corev1.Pod{}
	key := client.ObjectKey{Namespace: namespace, Name: podName(u.name)}
	if err := s.cluster.Client().Get(ctx, key, pod); err != nil {
		return fmt.Errorf("reading the pod of a cache: %w", err)
	}
	defer s.journal.begin(kind, u.name, "")()
	if err := s.cluster.Client().Delete(ctx, pod, client.GracePeriodSeconds(grace)); err != nil {
		return fmt.Errorf("deleting the pod of a cache: %w", err)
	}
	err := await(ctx, settled, "pod "+pod.Name+" runs again", func() error {
		again := &corev1.Pod{}
		if err := s.cluster.Client().Get(ctx, key, again); err != nil {
			return err
		}
		if again.UID == pod.UID || !ready(again) {
			return fmt.Errorf("it is %s", again.Status.Phase)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.awaitUse(ctx, u.name, true)
}

func ready(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

func (s *soak) upstream(name string) *upstream {
	for _, u := range s.upstreams {
		if u.name == name {
			return u
		}
	}
	return nil
}

// restartProgram kills kubelet and containerd in turn, and starts them again.
func (s *soak) restartProgram(ctx context.Context, turn int, random *rand.Rand) error {
	node := s.nodes[random.IntN(len(s.nodes))]
	if turn%2 == 0 {
		defer s.journal.begin(kubeletRestarts, "", node.Name)()
		if err := node.Kill(cluster.Kubelet); err != nil {
			return err
		}
		return node.StartKubelet(ctx)
	}
	node.up.Lock()
	defer node.up.Unlock()
	defer s.journal.begin(containerdRestarts, "", node.Name)()
	if err := node.Kill(cluster.Containerd); err != nil {
		return err
	}
	if err := node.StartContainerd(ctx); err != nil {
		return err
	}
	return await(ctx, settled, "the CRI of "+node.Name+" answers", func() error { // later than containerd itself
		_, err := node.Run(ctx, cripull, containerdSocket, "remove", "example.com/none:1")
		return err
	})
}

// changeConfig does one of the things that a user does with a config, in turn.
func (s *soak) changeConfig(ctx context.Context, turn int, _ *rand.Rand) error {
	switch turn % 6 {
	case 0:
		return s.removePassing(ctx, true)
	case 3:
		return s.removePassing(ctx, false)
	case 1, 4:
		return s.addPassing(ctx)
	default:
		return s.changeTTL(ctx, []time.Duration{time.Minute, 0, 24 * time.Hour}[turn/3%3])
	}
}

// changeTTL changes that of docker's content, which lets its cache start again.
func (s *soak) changeTTL(ctx context.Context, ttl time.Duration) error {
	u := s.upstream(docker)
	u.change.Lock()
	defer u.change.Unlock()
	s.collect(ctx)
	defer s.journal.begin(ttlChanges, docker, "")()
	if err := s.apply(ctx, func(c *config) { c.ttl = ttl }); err != nil {
		return err
	}
	if err := s.rollout(ctx, "statefulset/"+serviceName(docker)); err != nil {
		return err
	}
	return s.awaitUse(ctx, docker, true)
}

func (s *soak) rollout(ctx context.Context, what string) error {
	_, err := s.cluster.Kubectl(ctx, "", "rollout", "status", what, "--namespace="+namespace, "--timeout="+settled.String())
	return err
}

// lockAll is for what lets the guards start again: without them, nodes do not use any cache.
func (s *soak) lockAll() (unlock func()) {
	for _, u := range s.upstreams {
		u.change.Lock()
	}
	return func() {
		for _, u := range s.upstreams {
			u.change.Unlock()
		}
	}
}

// addPassing adds the cache that was removed.
func (s *soak) addPassing(ctx context.Context) error {
	defer s.lockAll()()
	defer s.journal.begin(cacheAdded, "", "")()
	return s.changeCaches(ctx, func(c *config) { c.passing, c.address = true, c.address+1 })
}

// removePassing removes a cache at once, or after a cleaner has withdrawn it.
func (s *soak) removePassing(ctx context.Context, clean bool) error {
	defer s.lockAll()()
	s.collect(ctx)
	kind := cacheRemoved
	if clean {
		kind = cacheCleaned
	}
	defer s.journal.begin(kind, "", "")()
	if clean {
		end, err := s.runCleaner(ctx)
		if err != nil {
			return err
		}
		defer end()
	}
	return s.changeCaches(ctx, func(c *config) { c.passing = false })
}

// changeCaches applies a change that all guards have to follow.
func (s *soak) changeCaches(ctx context.Context, change func(*config)) error {
	if err := s.apply(ctx, change); err != nil {
		return err
	}
	if err := s.rollout(ctx, "daemonset/"+configurator); err != nil {
		return err
	}
	return s.awaitConfig(ctx)
}
