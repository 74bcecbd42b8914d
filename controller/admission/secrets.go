package admission

import (
	"context"
	"fmt"

	gardencorehelper "github.com/gardener/gardener/pkg/api/core/helper"
	"github.com/gardener/gardener/pkg/apis/core"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// secrets finds the Secrets that a config refers to by names of the Shoot's spec.resources, and reads each once.
type secrets struct {
	reader client.Reader
	shoot  *core.Shoot
	// before is set if the config has not changed: then only a reference that leads to another Secret than it did in that
	// Shoot is looked at. A Secret must be immutable, so this is how credentials are rotated.
	before *core.Shoot
	known  map[string]lookup
}

// lookup is what came of looking for a Secret: it, or what the user must mend, or why it could not be read.
type lookup struct {
	secret  *registryvalidation.Secret
	problem string
	err     error
}

func newSecrets(reader client.Reader, shoot *core.Shoot) *secrets {
	return &secrets{reader: reader, shoot: shoot, known: map[string]lookup{}}
}

// find returns the Secret behind a reference; nil if there is none, with the fault added to into, or none to look at. path is the field that
// refers to it. No content of the Secret gets into a fault.
func (s *secrets) find(ctx context.Context, path *field.Path, reference string, into *findings) *registryvalidation.Secret {
	if s.before != nil && !s.leadsElsewhere(reference) {
		return nil
	}
	found, again := s.known[reference]
	if !again {
		found = s.look(ctx, reference)
		s.known[reference] = found
	}
	switch {
	case found.problem != "":
		into.refuse(field.ErrorList{field.Invalid(path, reference, found.problem)})
	case found.err != nil:
		into.unavailable = append(into.unavailable, fmt.Errorf("%s: %w", path, found.err))
	}
	return found.secret
}

func (s *secrets) look(ctx context.Context, reference string) lookup {
	name := resolve(s.shoot, reference)
	if name == "" {
		return lookup{problem: fmt.Sprintf("failed to find referenced resource with name %s and kind Secret", reference)}
	}
	object := &corev1.Secret{}
	err := s.reader.Get(ctx, client.ObjectKey{Namespace: s.shoot.Namespace, Name: name}, object)
	secret := registryvalidation.Secret{Namespace: s.shoot.Namespace, Name: name, Data: object.Data}
	switch {
	case apierrors.IsNotFound(err):
		return lookup{problem: fmt.Sprintf("the referenced secret %q does not exist", secret)}
	case err != nil:
		return lookup{err: fmt.Errorf("reading the referenced secret %q: %w", secret, err)}
	}
	secret.Immutable = object.Immutable != nil && *object.Immutable
	return lookup{secret: &secret}
}

func (s *secrets) leadsElsewhere(reference string) bool {
	return resolve(s.shoot, reference) != resolve(s.before, reference)
}

// resolve returns the name of the Secret that the Shoot lists under the name of a resource, "" if it lists none.
func resolve(shoot *core.Shoot, reference string) string {
	if r := gardencorehelper.GetResourceByName(shoot.Spec.Resources, reference); r != nil && r.ResourceRef.Kind == "Secret" {
		return r.ResourceRef.Name
	}
	return ""
}
