//go:build integration

package integration

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// playedNode is a Node without a machine.
type playedNode struct {
	name string
	// ready is its condition; the kubelet of a node that is not Ready does nothing, whatever is asked of it.
	ready bool
	// runs says whether pods get as far as to run there.
	runs bool
}

// cleanerPods select the pods of the cleaner.
var cleanerPods = client.MatchingLabels{"app.kubernetes.io/name": "registry-configuration-cleaner"}

// playNodes creates Nodes, and plays the scheduler and their kubelets for pods of the cleaner until the scenario ends: each
// pod is bound to its node, whether that is Ready or not, as DaemonSets want it.
func (e *env) playNodes(nodes ...playedNode) {
	e.t.Helper()
	e.createPriorityClass()
	for _, node := range nodes {
		e.createNode(node)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	done := make(chan error)
	go func() {
		defer close(done)
		for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
			if err := e.playPods(ctx, nodes); err != nil && ctx.Err() == nil {
				e.t.Logf("playing the nodes: %v", err) // it is tried again
			}
		}
	}()
	e.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// createPriorityClass creates the class of the cleaner's pods, which Gardener gives to every shoot: without it there are none.
func (e *env) createPriorityClass() {
	e.t.Helper()
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "gardener-shoot-system-700"}, Value: 999998700}
	e.must(client.IgnoreAlreadyExists(e.Client().Create(e.ctx, class)))
}

// createNode creates a Node, and removes it after the scenario with the pods that nobody would end there.
func (e *env) createNode(node playedNode) {
	e.t.Helper()
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.name}}
	e.must(e.Client().Create(e.ctx, object))
	e.t.Cleanup(func() { removeNode(e.t, e.Client(), node.name) })
	status := corev1.ConditionFalse
	if node.ready {
		status = corev1.ConditionTrue
	}
	patch := client.MergeFrom(object.DeepCopy())
	object.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status}}
	e.must(e.Client().Status().Patch(e.ctx, object, patch))
}

func removeNode(t *testing.T, c client.Client, name string) {
	t.Helper()
	ctx := context.Background() // that of the scenario has ended
	if err := c.Delete(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
		t.Error(err)
	}
	var pods corev1.PodList
	if err := c.List(ctx, &pods, client.InNamespace(metav1.NamespaceSystem), client.MatchingFields{"spec.nodeName": name}); err != nil {
		t.Error(err)
	}
	for i := range pods.Items {
		if err := c.Delete(ctx, &pods.Items[i], client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	}
}

func (e *env) playPods(ctx context.Context, nodes []playedNode) error {
	var pods corev1.PodList
	if err := e.Client().List(ctx, &pods, client.InNamespace(metav1.NamespaceSystem), cleanerPods); err != nil {
		return err
	}
	for i := range pods.Items {
		for _, node := range nodes {
			if target(&pods.Items[i]) != node.name {
				continue
			}
			if err := client.IgnoreNotFound(e.playPod(ctx, node, &pods.Items[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// target is the node that the DaemonSet's controller made a pod for.
func target(pod *corev1.Pod) string {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return ""
	}
	for _, term := range pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == "metadata.name" && len(field.Values) == 1 {
				return field.Values[0]
			}
		}
	}
	return ""
}

func (e *env) playPod(ctx context.Context, node playedNode, pod *corev1.Pod) error {
	switch {
	case pod.Spec.NodeName == "":
		return e.Client().SubResource("binding").Create(ctx, pod, &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: node.name}})
	case !node.ready:
		return nil
	case pod.DeletionTimestamp != nil:
		return e.Client().Delete(ctx, pod, client.GracePeriodSeconds(0))
	case node.runs && pod.Status.Phase != corev1.PodRunning:
		pod.Status.Phase = corev1.PodRunning
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue})
		return e.Client().Status().Update(ctx, pod)
	}
	return nil
}
