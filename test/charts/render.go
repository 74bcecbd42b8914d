// Package charts renders the Helm charts of controller/charts for tests, and proves what they must keep.
package charts

import (
	"fmt"

	"github.com/gardener/gardener/pkg/chartrenderer"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/version"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/controller/charts"
)

// Release is the name of the releases: that of the ControllerRegistration, and of gardener-operator's Extension.
const Release = "extension-registry-cache"

// kubernetesVersion is that of the cluster that charts are rendered for.
const kubernetesVersion = "v1.36.2"

// Render returns the objects of the chart in a folder in the order in which Helm installs them. It packs the chart and hands
// it to gardener's renderer, so that what comes out is what gardenlet and gardener-operator deploy. The values are laid over
// the chart's own.
func Render(chartPath string, values map[string]any, releaseNamespace string) ([]*unstructured.Unstructured, error) {
	return render(kubernetesVersion, chartPath, values, releaseNamespace)
}

func render(kubernetes, chartPath string, values map[string]any, namespace string) ([]*unstructured.Unstructured, error) {
	archive, err := charts.Archive(chartPath)
	if err != nil {
		return nil, err
	}
	renderer := chartrenderer.NewWithServerVersion(&version.Info{GitVersion: kubernetes})
	rendered, err := renderer.RenderArchive(archive, Release, namespace, values)
	if err != nil {
		return nil, fmt.Errorf("rendering the chart in %q: %w", chartPath, err)
	}
	var objects []*unstructured.Unstructured
	for _, manifest := range rendered.Manifests {
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(manifest.Content), &object.Object); err != nil {
			return nil, fmt.Errorf("decoding what %s rendered: %w", manifest.Name, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// ContainerArgs returns the arguments of the one container of the one Deployment among the objects.
func ContainerArgs(objects []*unstructured.Unstructured) ([]string, error) {
	var args []string
	deployments := 0
	for _, object := range objects {
		if object.GetKind() != "Deployment" {
			continue
		}
		deployments++
		containers, _, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		if err != nil || len(containers) != 1 {
			return nil, fmt.Errorf("the Deployment %q must have one container, not %d: %w", object.GetName(), len(containers), err)
		}
		container, _ := containers[0].(map[string]any)
		args, _, err = unstructured.NestedStringSlice(container, "args")
		if err != nil {
			return nil, fmt.Errorf("reading the arguments of the Deployment %q: %w", object.GetName(), err)
		}
	}
	if deployments != 1 {
		return nil, fmt.Errorf("one Deployment must be rendered, not %d", deployments)
	}
	return args, nil
}
