package admission

import (
	"context"
	"fmt"

	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	"github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	mirrorvalidation "github.com/registry-cache/registry-cache/functions/api/mirror/validation"
	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// MirrorType is the type of the extension whose providerConfig is a MirrorConfig.
const MirrorType = "registry-mirror"

// mirrorValidator validates the extension registry-mirror of Shoots.
type mirrorValidator struct {
	reader client.Reader
}

// NewMirrorValidator returns a validator of the extension registry-mirror of Shoots. reader is as that of NewCacheValidator.
func NewMirrorValidator(reader client.Reader) extensionswebhook.Validator {
	return &mirrorValidator{reader: reader}
}

// Validate returns everything that is wrong with a new or changed configuration, see the package's comment.
func (v *mirrorValidator) Validate(ctx context.Context, newObj, oldObj client.Object) error {
	return validate(ctx, v, newObj, oldObj)
}

func (*mirrorValidator) extensionType() string { return MirrorType }

// mirrors is a MirrorConfig with its defaults; without any mirror if it is none.
type mirrors struct {
	v1alpha1.MirrorConfig
	// faults are those of decoding; the config has what is not at fault.
	faults field.ErrorList
	// decoded says that it is a MirrorConfig, be it a faulty one.
	decoded bool
	path    *field.Path
}

// decodeMirrors decodes the extension's providerConfig; of an extension that is not enabled, or has none, comes an empty one.
func decodeMirrors(e *extension) *mirrors {
	m := &mirrors{}
	if e == nil || e.text == nil {
		return m
	}
	m.path = e.path
	config := &v1alpha1.MirrorConfig{}
	m.faults = decode.Strict(e.text, config, e.path)
	switch {
	case config.Kind != containerdregistries.MirrorKind:
		m.faults = decode.Join(m.faults, field.ErrorList{
			field.NotSupported(e.path.Child("kind"), config.Kind, []string{containerdregistries.MirrorKind})})
	case config.APIVersion != v1alpha1.APIVersion:
		m.faults = decode.Join(m.faults, field.ErrorList{
			field.NotSupported(e.path.Child("apiVersion"), config.APIVersion, []string{v1alpha1.APIVersion})})
	default:
		config.Default()
		m.MirrorConfig, m.decoded = *config, true
	}
	return m
}

// upstreams returns those of the mirrors.
func (m *mirrors) upstreams() []string {
	list := make([]string, len(m.Mirrors))
	for i := range m.Mirrors {
		list[i] = m.Mirrors[i].Upstream
	}
	return list
}

func (v *mirrorValidator) validate(ctx context.Context, c *change, into *findings) {
	config, old := decodeMirrors(c.extension), decodeMirrors(c.old)
	all := newSecrets(v.reader, c.shoot)
	if c.sameText() || config.equals(old) {
		all.before = c.oldShoot
		config.validateSecrets(ctx, all, into)
		return
	}
	config.validateChange(c, into)
	bundles := config.validateSecrets(ctx, all, into)
	if len(into.invalid) == 0 && len(into.unavailable) == 0 {
		into.invalid = append(into.invalid, c.extension.tryOut(bundles)...)
	}
}

// equals says whether both mean the same.
func (m *mirrors) equals(old *mirrors) bool {
	return m.decoded && old.decoded && len(m.faults) == 0 && len(old.faults) == 0 && equality.Semantic.DeepEqual(m.Mirrors, old.Mirrors)
}

// validateChange looks at everything but the Secrets.
func (m *mirrors) validateChange(of *change, into *findings) {
	into.refuseText(m.faults)
	invalid := of.validateOldText()
	if m.decoded {
		cached := decodeCaches(findExtension(of.shoot, CacheType)).upstreams()
		invalid = append(invalid, mirrorvalidation.ValidateMirrorConfig(&m.MirrorConfig, m.path)...)
		invalid = append(invalid, mirrorvalidation.ValidateMirrorUpstreams(&m.MirrorConfig, cached, m.path)...)
	}
	into.refuse(beside(m.faults, invalid))
}

// validateSecrets looks at the CA bundles of the hosts and returns them as items for the functions, under the names by which
// the config refers to them. An empty reference is a fault of the config already.
func (m *mirrors) validateSecrets(ctx context.Context, all *secrets, into *findings) (items []manifest.Object) {
	given := map[string]bool{}
	for i := range m.Mirrors {
		for j := range m.Mirrors[i].Hosts {
			reference := m.Mirrors[i].Hosts[j].CABundleSecretReferenceName
			if reference == nil || *reference == "" {
				continue
			}
			path := m.path.Child("mirrors").Index(i).Child("hosts").Index(j).Child("caBundleSecretReferenceName")
			secret := all.find(ctx, path, *reference, into)
			if secret == nil {
				continue
			}
			into.refuse(mirrorvalidation.ValidateCABundleSecret(*secret, path, *reference, true))
			if !given[*reference] {
				given[*reference] = true
				items = append(items, input.SecretItem(input.Secret{Name: *reference, Immutable: secret.Immutable, Data: secret.Data}))
			}
		}
	}
	return items
}

// tryOut does what the webhook for OperatingSystemConfigs will do: a config that it refuses, such as two CA bundles for one
// file, would keep all nodes of the Shoot from being configured.
func (e *extension) tryOut(bundles []manifest.Object) []error {
	in, err := input.Parse(e.text)
	if err == nil {
		_, err = containerdregistries.DesiredOf(in, bundles)
	}
	if err == nil {
		return nil
	}
	list, ok := fault.FromError(err)
	if !ok {
		return []error{fmt.Errorf("trying out %s: %w", e.path, err)}
	}
	errs := make([]error, len(list))
	for i, one := range list {
		one.Field = e.path.Child(one.Field).String()
		errs[i] = one
	}
	return errs
}
