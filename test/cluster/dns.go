package cluster

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

//go:embed node/coredns.yaml
var dnsYAML []byte

// createDNS creates CoreDNS.
func (c *Cluster) createDNS(ctx context.Context) error {
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(dnsYAML), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading the manifests of CoreDNS: %w", err)
		}
		if err := c.fillDNS(object); err != nil {
			return fmt.Errorf("filling in %s of CoreDNS: %w", object.GetKind(), err)
		}
		if err := c.client.Create(ctx, object); err != nil {
			return fmt.Errorf("creating %s of CoreDNS: %w", object.GetKind(), err)
		}
	}
}

// fillDNS sets what the manifests cannot know.
func (c *Cluster) fillDNS(object *unstructured.Unstructured) error {
	switch object.GetKind() {
	case "ConfigMap":
		return unstructured.SetNestedField(object.Object, hostsFile(), "data", "hosts")
	case "Deployment":
		deployment := &appsv1.Deployment{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, deployment); err != nil {
			return err
		}
		deployment.Spec.Template.Spec.Containers[0].Image = c.options.DNSImage
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(deployment)
		object.Object = content
		return err
	}
	return nil
}

// waitForDNS waits until CoreDNS answers.
func (c *Cluster) waitForDNS(ctx context.Context) error {
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "coredns"}}
	return until(ctx, "CoreDNS is ready", func(ctx context.Context) (bool, error) {
		if err := c.client.Get(ctx, client.ObjectKeyFromObject(deployment), deployment); err != nil {
			return false, err
		}
		if deployment.Status.ReadyReplicas == 1 {
			return true, nil
		}
		return false, c.podTrouble(ctx, client.MatchingLabels{"k8s-app": "kube-dns"})
	})
}

// podTrouble says what keeps pods of kube-system from running, as far as they know.
func (c *Cluster) podTrouble(ctx context.Context, labels client.MatchingLabels) error {
	pods := &corev1.PodList{}
	if err := c.client.List(ctx, pods, client.InNamespace(metav1.NamespaceSystem), labels); err != nil {
		return err
	}
	for _, pod := range pods.Items {
		for _, status := range pod.Status.ContainerStatuses {
			if status.State.Waiting != nil {
				return fmt.Errorf("%s: %s: %s", pod.Name, status.State.Waiting.Reason, status.State.Waiting.Message)
			}
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Status != corev1.ConditionTrue && condition.Message != "" {
				return fmt.Errorf("%s: %s", pod.Name, condition.Message)
			}
		}
	}
	return errors.New("it is not")
}
