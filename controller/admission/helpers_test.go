package admission_test

import (
	"encoding/json"
	"errors"
	"testing"

	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"
	"github.com/gardener/gardener/pkg/apis/core"
	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/controller/admission"
	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
)

const namespace = "garden-dev"

// part is something that a Shoot has.
type part func(*core.Shoot)

// shoot returns a Shoot with one containerd worker and the parts.
func shoot(parts ...part) *core.Shoot {
	s := &core.Shoot{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "crazy-botany"}}
	worker("pool", "containerd")(s)
	for _, p := range parts {
		p(s)
	}
	return s
}

// extension is an enabled extension; its config is JSON as it is, or YAML, "" for none.
func extension(extensionType, config string) part {
	return func(s *core.Shoot) {
		e := core.Extension{Type: extensionType}
		switch {
		case json.Valid([]byte(config)):
			e.ProviderConfig = &runtime.RawExtension{Raw: []byte(config)}
		case config != "":
			text, err := yaml.YAMLToJSON([]byte(config))
			if err != nil {
				panic(err)
			}
			e.ProviderConfig = &runtime.RawExtension{Raw: text}
		}
		s.Spec.Extensions = append(s.Spec.Extensions, e)
	}
}

func caches(config string) part {
	return extension("registry-cache", "apiVersion: registry.extensions.gardener.cloud/v1alpha3\nkind: RegistryConfig\n"+config)
}

func mirrors(config string) part {
	return extension("registry-mirror", "apiVersion: mirror.extensions.gardener.cloud/v1alpha1\nkind: MirrorConfig\n"+config)
}

func worker(name, runtime string) part {
	return func(s *core.Shoot) {
		w := core.Worker{Name: name}
		if runtime != "" {
			w.CRI = &core.CRI{Name: core.CRIName(runtime)}
		}
		s.Spec.Provider.Workers = append(s.Spec.Provider.Workers, w)
	}
}

func workerless(s *core.Shoot) { s.Spec.Provider.Workers = nil }

// resource lists a Secret under a name of its own.
func resource(name, kind, secretName string) part {
	return func(s *core.Shoot) {
		s.Spec.Resources = append(s.Spec.Resources, core.NamedResourceReference{
			Name: name, ResourceRef: autoscalingv1.CrossVersionObjectReference{APIVersion: "v1", Kind: kind, Name: secretName},
		})
	}
}

func disabled(s *core.Shoot) {
	yes := true
	s.Spec.Extensions[len(s.Spec.Extensions)-1].Disabled = &yes
}

func deleted(s *core.Shoot) {
	now := metav1.Now()
	s.DeletionTimestamp = &now
}

// unrelated is an update of something else.
func unrelated(s *core.Shoot) { s.Spec.Region = "elsewhere" }

func secret(name string, immutable bool, data map[string]string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Immutable: &immutable, Data: map[string][]byte{}}
	for key, value := range data {
		s.Data[key] = []byte(value)
	}
	return s
}

// reader is an API server that has the objects.
func reader(objects ...client.Object) client.Reader {
	return fake.NewClientBuilder().WithObjects(objects...).Build()
}

// request is one that is put to a validator.
type request struct {
	// old is nil for a creation.
	old, new *core.Shoot
	reader   client.Reader
	// want has one message per refusal, none if the Shoot is let through.
	want []string
}

func (r *request) validate(t *testing.T, newValidator func(client.Reader) extensionswebhook.Validator) {
	t.Helper()
	if r.reader == nil {
		r.reader = reader()
	}
	var old client.Object
	if r.old != nil {
		old = r.old
	}
	err := newValidator(r.reader).Validate(t.Context(), r.new, old)
	if diff := cmp.Diff(r.want, messages(err)); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}

func validateAll(t *testing.T, newValidator func(client.Reader) extensionswebhook.Validator, requests map[string]request) {
	t.Helper()
	for name, r := range requests {
		t.Run(name, func(t *testing.T) { r.validate(t, newValidator) })
	}
}

func messages(err error) []string {
	if err == nil {
		return nil
	}
	var all utilerrors.Aggregate
	if !errors.As(err, &all) {
		return []string{err.Error()}
	}
	var list []string
	for _, one := range all.Errors() {
		list = append(list, one.Error())
	}
	return list
}

// cacheValidator is that for caches with our own program.
func cacheValidator(reader client.Reader) extensionswebhook.Validator {
	return admission.NewCacheValidator(fnv1alpha1.RegistryCache, reader)
}

// distributionValidator is that for caches with distribution's registry.
func distributionValidator(reader client.Reader) extensionswebhook.Validator {
	return admission.NewCacheValidator(fnv1alpha1.RegistryDistribution, reader)
}

// cacheWebhook is that for caches with our own program.
func cacheWebhook(mgr manager.Manager) (*extensionswebhook.Webhook, error) {
	return admission.NewCacheWebhook(mgr, fnv1alpha1.RegistryCache)
}

var mirrorValidator = admission.NewMirrorValidator

const (
	oneCache  = "caches: [{upstream: docker.io}]"
	oneMirror = "mirrors: [{upstream: docker.io, hosts: [{host: 'https://mirror.gcr.io'}]}]"
)
