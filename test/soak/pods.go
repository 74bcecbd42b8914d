package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// podLimit bounds the start of a pod, and its end.
const podLimit = 4 * time.Minute

// errNoImage says that kubelet did not get the image of a pod.
var errNoImage = errors.New("kubelet did not get its image")

// churnPods runs one pod after the other on a node, each with an image that the node has to pull.
func (s *soak) churnPods(until, ctx context.Context, node *machine, random *rand.Rand) error {
	for number := 0; pause(until, pullPause); number++ {
		u := s.upstreams[random.IntN(len(s.upstreams))]
		podName := fmt.Sprintf("app-%s-%d", node.Name, number)
		err := s.with(u, node, random, func(i *image) error { return s.runPod(ctx, podName, u, node, i) })
		if err != nil {
			return err
		}
	}
	return nil
}

// runPod starts a pod, notes when it runs, deletes it, and removes its image.
func (s *soak) runPod(ctx context.Context, podName string, u *upstream, node *machine, i *image) error {
	grace := int64(1)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: podName, Namespace: metav1.NamespaceDefault},
		Spec: corev1.PodSpec{
			NodeName:                      node.Name,
			TerminationGracePeriodSeconds: &grace,
			Containers:                    []corev1.Container{{Name: "app", Image: i.reference, ImagePullPolicy: corev1.PullAlways}},
		},
	}
	p := pull{at: time.Now(), upstream: u.name, image: i.reference, node: node.Name, pod: true}
	if err := s.cluster.Client().Create(ctx, pod); err != nil {
		return fmt.Errorf("creating a pod: %w", err)
	}
	p.err = s.awaitRunning(ctx, pod)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.took = time.Since(p.at)
	if p.err != nil && s.restarted(p) {
		p.err, p.interrupted = nil, true // kubelet was killed while it pulled, and says so
	}
	s.note(p)
	if err := s.deletePod(ctx, pod); err != nil {
		return err
	}
	if _, err := node.Run(ctx, cripull, containerdSocket, "remove", i.reference); err != nil {
		return fmt.Errorf("removing the image of a pod: %w", err)
	}
	return nil
}

// restarted tells whether kubelet was, while an image was pulled that it did not get.
func (s *soak) restarted(p pull) bool {
	if !errors.Is(p.err, errNoImage) {
		return false
	}
	for _, e := range s.journal.during(p.at, p.at.Add(p.took), p.upstream, p.node) {
		if e.kind == kubeletRestarts {
			return true
		}
	}
	return false
}

func (s *soak) awaitRunning(ctx context.Context, pod *corev1.Pod) error {
	var failed error
	err := await(ctx, podLimit, "pod "+pod.Name+" runs", func() error {
		current := &corev1.Pod{}
		if err := s.cluster.Client().Get(ctx, client.ObjectKeyFromObject(pod), current); err != nil {
			return err
		}
		for _, status := range current.Status.ContainerStatuses {
			if waiting := status.State.Waiting; waiting != nil && strings.Contains(waiting.Reason, "Pull") {
				failed = fmt.Errorf("%w: %s: %s", errNoImage, waiting.Reason, waiting.Message)
				return nil
			}
		}
		if current.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("it is %s", current.Status.Phase)
		}
		return nil
	})
	return errors.Join(err, failed)
}

func (s *soak) deletePod(ctx context.Context, pod *corev1.Pod) error {
	if err := s.cluster.Client().Delete(ctx, pod); err != nil {
		return fmt.Errorf("deleting a pod: %w", err)
	}
	return await(ctx, podLimit, "pod "+pod.Name+" is gone", func() error {
		err := s.cluster.Client().Get(ctx, client.ObjectKeyFromObject(pod), &corev1.Pod{})
		if err == nil {
			return errors.New("it is not")
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
		return nil
	})
}
