package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	corevalidation "github.com/gardener/gardener/pkg/api/core/validation"
	operatorvalidation "github.com/gardener/gardener/pkg/api/operator/v1alpha1/validation"
	"github.com/gardener/gardener/pkg/apis/core"
	"github.com/gardener/gardener/pkg/apis/core/install"
	gardencorev1 "github.com/gardener/gardener/pkg/apis/core/v1"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	operatorv1alpha1 "github.com/gardener/gardener/pkg/apis/operator/v1alpha1"
	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

const folder = ".."

// TestGenerated: the committed files are what the generator makes now.
func TestGenerated(t *testing.T) {
	out := t.TempDir()
	if err := writeAll(out, extensionOf(t)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"extension.yaml", "controller-registration.yaml"} {
		want, got := read(t, filepath.Join(folder, "registration", name)), read(t, filepath.Join(out, name))
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: run make generate: -committed +generated:\n%s", name, diff)
		}
	}
}

// TestExtension: gardener-operator takes the Extension.
func TestExtension(t *testing.T) {
	var extension operatorv1alpha1.Extension
	strict(t, read(t, filepath.Join(folder, "registration", "extension.yaml")), &extension)
	if extension.APIVersion != operatorv1alpha1.SchemeGroupVersion.String() || extension.Kind != "Extension" {
		t.Errorf("got a %s of %s", extension.Kind, extension.APIVersion)
	}
	if errs := operatorvalidation.ValidateExtension(&extension); len(errs) > 0 {
		t.Error(errs.ToAggregate())
	}
}

// TestControllerRegistration: gardener-apiserver takes the ControllerDeployment and the ControllerRegistration, whether the
// chart is referred to or inside.
func TestControllerRegistration(t *testing.T) {
	inside, err := registration(extensionOf(t), filepath.Join(folder, extensionChart))
	if err != nil {
		t.Fatal(err)
	}
	for name, stream := range map[string][]byte{
		"reference": read(t, filepath.Join(folder, "registration", "controller-registration.yaml")), "inside": inside,
	} {
		t.Run(name, func(t *testing.T) {
			deployment, registration := decode(t, stream)
			if errs := validate(t, deployment, registration); len(errs) > 0 {
				t.Error(errs.ToAggregate())
			}
			if refs := registration.Spec.Deployment.DeploymentRefs; len(refs) != 1 || refs[0].Name != deployment.Name {
				t.Errorf("the ControllerRegistration refers to %v, not to %q", refs, deployment.Name)
			}
			if (len(deployment.Helm.RawChart) > 0) != (name == "inside") {
				t.Errorf("rawChart has %d bytes", len(deployment.Helm.RawChart))
			}
		})
	}
}

// TestRawChart: Helm reads the chart inside a ControllerDeployment.
func TestRawChart(t *testing.T) {
	stream, err := registration(extensionOf(t), filepath.Join(folder, extensionChart))
	if err != nil {
		t.Fatal(err)
	}
	deployment, _ := decode(t, stream)
	if _, err := loader.LoadArchive(bytes.NewReader(deployment.Helm.RawChart)); err != nil {
		t.Error(err)
	}
}

func extensionOf(t *testing.T) *extension {
	t.Helper()
	extension, err := readExtension(folder)
	if err != nil {
		t.Fatal(err)
	}
	return extension
}

// decode decodes both objects of a stream strictly.
func decode(t *testing.T, stream []byte) (deployment gardencorev1.ControllerDeployment, registration gardencorev1beta1.ControllerRegistration) {
	t.Helper()
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
	for _, into := range []any{&deployment, &registration} {
		text, err := reader.Read()
		if err != nil {
			t.Fatal(err)
		}
		strict(t, text, into)
	}
	if rest, err := reader.Read(); !errors.Is(err, io.EOF) {
		t.Fatalf("there are more than two objects: %s, %v", rest, err)
	}
	return deployment, registration
}

// strict decodes YAML as API servers do; unlike sigs.k8s.io/yaml that tells rawchart from rawChart.
func strict(t *testing.T, text []byte, into any) {
	t.Helper()
	text, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatal(err)
	}
	if unknown, err := json.UnmarshalStrict(text, into); err != nil || len(unknown) > 0 {
		t.Fatal(err, unknown)
	}
}

// validate converts the objects to gardener's internal version, with the defaults of its API, and validates them.
func validate(t *testing.T, deployment gardencorev1.ControllerDeployment, registration gardencorev1beta1.ControllerRegistration) field.ErrorList {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	scheme.Default(&deployment)
	scheme.Default(&registration)
	var internalDeployment core.ControllerDeployment
	var internalRegistration core.ControllerRegistration
	if err := scheme.Convert(&deployment, &internalDeployment, nil); err != nil {
		t.Fatal(err)
	}
	if err := scheme.Convert(&registration, &internalRegistration, nil); err != nil {
		t.Fatal(err)
	}
	return append(corevalidation.ValidateControllerDeployment(&internalDeployment),
		corevalidation.ValidateControllerRegistration(&internalRegistration)...)
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
