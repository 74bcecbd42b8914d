package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	namespace = "registry-cache"
	// volumeMiB is less than the images of an upstream need.
	volumeMiB = 32
)

// volumeOf names the volume of an upstream's cache.
func volumeOf(upstream string) string { return "soak-" + serviceName(upstream) }

// serviceName is what a cache's objects are called.
func serviceName(upstream string) string { return "registry-" + strings.ReplaceAll(upstream, ".", "-") }

func podName(upstream string) string { return serviceName(upstream) + "-0" }

// nodeOf is where a cache runs: where its volume is.
func (s *soak) nodeOf(upstream string) *machine {
	for i, u := range s.upstreams {
		if u.name == upstream {
			return s.nodes[i%len(s.nodes)]
		}
	}
	return nil
}

// makeVolumes makes a small disk for each cache on one of the nodes.
func (s *soak) makeVolumes(ctx context.Context) error {
	for _, u := range s.upstreams {
		node, dir := s.nodeOf(u.name), s.cluster.VolumeDir(volumeOf(u.name))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making a volume: %w", err)
		}
		if _, err := node.Run(ctx, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=755", volumeMiB), "tmpfs", dir); err != nil {
			return fmt.Errorf("making a volume: %w", err)
		}
		if err := s.createVolume(ctx, u.name, node.Name, dir); err != nil {
			return err
		}
	}
	return nil
}

// createVolume makes one like those that the cluster has, for the claim of a cache.
func (s *soak) createVolume(ctx context.Context, upstream, node, dir string) error {
	volume := &corev1.PersistentVolume{}
	if err := s.cluster.Client().Get(ctx, client.ObjectKey{Name: "volume-0"}, volume); err != nil {
		return fmt.Errorf("reading a volume: %w", err)
	}
	volume.ObjectMeta, volume.Status = metav1.ObjectMeta{Name: volumeOf(upstream)}, corev1.PersistentVolumeStatus{}
	volume.Spec.Local.Path = dir
	volume.Spec.ClaimRef = &corev1.ObjectReference{Namespace: namespace, Name: "cache-volume-" + podName(upstream)}
	terms := volume.Spec.NodeAffinity.Required.NodeSelectorTerms
	terms[0].MatchExpressions[0].Operator, terms[0].MatchExpressions[0].Values = corev1.NodeSelectorOpIn, []string{node}
	if err := s.cluster.Client().Create(ctx, volume); err != nil {
		return fmt.Errorf("creating a volume: %w", err)
	}
	return nil
}
