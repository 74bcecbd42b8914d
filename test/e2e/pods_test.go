//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
)

// The images of pods: how many layers of which size lie on the base, which all have in common.
const (
	appLayers  = 3
	layerBytes = 100_000
)

// push makes an image that a pod can run and stores it in a registry under a name without the registry's, "library/app:1". Each
// call makes another image, of which nothing but the base is in others.
func (e *env) push(registry *cluster.Registry, repository string) {
	e.t.Helper()
	e.seed++
	image, err := nodeimages.App(base, nodeimages.AppOptions{Layers: appLayers, LayerBytes: layerBytes, Seed: e.seed})
	e.must(err)
	e.must(registry.Push(e.ctx, repository, image))
}

// pushHub pushes an image to Docker Hub and returns its whole name.
func (e *env) pushHub(repository string) string {
	e.t.Helper()
	e.push(e.hub, repository)
	return "docker.io/" + repository
}

// runPod starts a pod of an image on a node, which always asks for the image, and returns how long it took to run.
func (e *env) runPod(podName, image string, node *cluster.Node) time.Duration {
	e.t.Helper()
	start := time.Now()
	e.createPod(podName, image, node)
	e.awaitRunning(podName)
	return time.Since(start)
}

// createPod creates such a pod without waiting for it.
func (e *env) createPod(podName, image string, node *cluster.Node) {
	e.t.Helper()
	grace := int64(1)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: podName, Namespace: metav1.NamespaceDefault},
		Spec: corev1.PodSpec{
			NodeName:                      node.Name,
			TerminationGracePeriodSeconds: &grace,
			Containers:                    []corev1.Container{{Name: "app", Image: image, ImagePullPolicy: corev1.PullAlways}},
		},
	}
	e.must(e.Client().Create(e.ctx, pod))
}

// awaitRunning waits until a pod runs; it fails at once when its image cannot be pulled.
func (e *env) awaitRunning(podName string) {
	e.t.Helper()
	e.eventually(3*time.Minute, "pod "+podName+" runs", func() error {
		pod := &corev1.Pod{}
		if err := e.Client().Get(e.ctx, client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: podName}, pod); err != nil {
			return err
		}
		for _, status := range pod.Status.ContainerStatuses {
			if waiting := status.State.Waiting; waiting != nil && strings.Contains(waiting.Reason, "Pull") {
				e.t.Fatalf("pod %s does not get its image: %s: %s", podName, waiting.Reason, waiting.Message)
			}
		}
		if pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("it is %s", pod.Status.Phase)
		}
		return nil
	})
}

// removePod deletes a pod, and the image with its content from the node: the next pod has to pull it again.
func (e *env) removePod(podName, image string, node *cluster.Node) {
	e.t.Helper()
	key := client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: podName}
	e.must(e.Client().Delete(e.ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}))
	e.eventually(time.Minute, "pod "+podName+" is gone", func() error {
		err := e.Client().Get(e.ctx, key, &corev1.Pod{})
		if err == nil {
			return errors.New("it is not")
		}
		return client.IgnoreNotFound(err)
	})
	e.removeImage(image, node)
}

// removeImage removes an image from a node as kubelet's garbage collection does.
func (e *env) removeImage(image string, node *cluster.Node) {
	e.t.Helper()
	_, err := node.Run(e.ctx, "/opt/node/cripull", containerdSocket, "remove", image)
	e.must(err)
}

// pull pulls an image on a node as kubelet does, without a pod, and removes it. It returns how long the pull took.
func (e *env) pull(image string, node *cluster.Node) time.Duration {
	e.t.Helper()
	took, err := e.tryPull(image, node)
	e.must(err)
	return took
}

func (e *env) tryPull(image string, node *cluster.Node) (time.Duration, error) {
	output, err := node.Run(e.ctx, "/opt/node/cripull", containerdSocket, "pull", image)
	if err != nil {
		return 0, err
	}
	took, err := time.ParseDuration(strings.TrimSpace(output) + "s")
	if err != nil {
		return 0, err
	}
	_, err = node.Run(e.ctx, "/opt/node/cripull", containerdSocket, "remove", image)
	return took, err
}

const containerdSocket = "/run/containerd/containerd.sock"
