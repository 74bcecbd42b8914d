// Package certmanager knows the CustomResourceDefinitions of cert-manager, of the version that test/tools/certmanager pins.
package certmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

const module = "github.com/cert-manager/cert-manager"

// Group is the API group of what is validated.
const Group = "cert-manager.io"

// CRDs returns the folder with cert-manager's definitions, which it fetches if it is not there yet.
func CRDs(ctx context.Context) (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("finding cert-manager's module: the program does not know its source files")
	}
	pin := filepath.Join(filepath.Dir(file), "..", "tools", "certmanager")
	output, err := exec.CommandContext(ctx, "go", "mod", "download", "-C", pin, "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("finding cert-manager's module with go mod download: %w\n%s", err, output)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(output, &found); err != nil {
		return "", fmt.Errorf("finding cert-manager's module: %w", err)
	}
	return filepath.Join(found.Dir, "deploy", "crds"), nil
}

// Validator checks objects as an API server does that has the definitions.
type Validator struct {
	kinds map[string]kind
}

// kind is one version of one definition.
type kind struct {
	schema    *structuralschema.Structural
	validator validation.SchemaValidator
}

// NewValidator reads the definitions of Certificates and Issuers.
func NewValidator(ctx context.Context) (*Validator, error) {
	dir, err := CRDs(ctx)
	if err != nil {
		return nil, err
	}
	v := &Validator{kinds: map[string]kind{}}
	for _, plural := range []string{"certificates", "issuers"} {
		if err := v.read(filepath.Join(dir, Group+"_"+plural+".yaml")); err != nil {
			return nil, fmt.Errorf("reading definition of %s: %w", plural, err)
		}
	}
	return v, nil
}

func (v *Validator) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(text, definition); err != nil {
		return err
	}
	for i := range definition.Spec.Versions {
		version := &definition.Spec.Versions[i]
		internal := &apiextensions.CustomResourceValidation{}
		if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(version.Schema, internal, nil); err != nil {
			return err
		}
		k := kind{}
		if k.schema, err = structuralschema.NewStructural(internal.OpenAPIV3Schema); err != nil {
			return err
		}
		if k.validator, _, err = validation.NewSchemaValidator(internal.OpenAPIV3Schema); err != nil {
			return err
		}
		v.kinds[definition.Spec.Group+"/"+version.Name+" "+definition.Spec.Names.Kind] = k
	}
	return nil
}

// Validate returns what an API server would refuse of an object, and what it would drop: fields that the definition does not
// know.
func (v *Validator) Validate(object manifest.Object) error {
	k, ok := v.kinds[object.APIVersion()+" "+object.Kind()]
	if !ok {
		return fmt.Errorf("%s: cert-manager has no kind %s in %s", object.ID(), object.Kind(), object.APIVersion())
	}
	var faults []error
	for _, fault := range validation.ValidateCustomResource(nil, map[string]any(object), k.validator) {
		faults = append(faults, fmt.Errorf("%s: %w", object.ID(), fault))
	}
	unknown := pruning.PruneWithOptions(map[string]any(object.DeepCopy()), k.schema, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		faults = append(faults, fmt.Errorf("%s: cert-manager does not know the field %s", object.ID(), path))
	}
	return errors.Join(faults...)
}
