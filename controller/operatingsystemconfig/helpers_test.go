package operatingsystemconfig_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/controller/operatingsystemconfig"
)

const namespace = "shoot--foo--bar"

var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{extensionsv1alpha1.AddToScheme, corev1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	return s
}()

// seed is what a webhook finds in a seed.
type seed struct {
	objects []client.Object
}

// load returns the seed of a case.
func load(tb testing.TB, name string) *seed {
	tb.Helper()
	file, err := os.Open(filepath.Join("testdata", name, "objects.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	reader := utilyaml.NewYAMLReader(bufio.NewReader(file))
	s := &seed{}
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return s
		}
		var object runtime.Object
		if err == nil {
			object, _, err = decoder.Decode(document, nil, nil)
		}
		if err != nil {
			tb.Fatal(err)
		}
		s.objects = append(s.objects, object.(client.Object))
	}
}

// object returns the object of a type with a name.
func object[T client.Object](tb testing.TB, s *seed, name string) T {
	tb.Helper()
	for _, o := range s.objects {
		if typed, is := o.(T); is && o.GetName() == name {
			return typed
		}
	}
	tb.Fatalf("the seed has no %T %s", *new(T), name)
	panic("unreachable")
}

// has says whether there is an Extension.
func (s *seed) has(extension string) bool {
	for _, o := range s.objects {
		if _, is := o.(*extensionsv1alpha1.Extension); is && o.GetName() == extension {
			return true
		}
	}
	return false
}

// without takes an object away.
func (s *seed) without(gone client.Object) {
	var rest []client.Object
	for _, o := range s.objects {
		if o != gone {
			rest = append(rest, o)
		}
	}
	s.objects = rest
}

// fakeManager gives the webhooks their clients and nothing else.
type fakeManager struct {
	manager.Manager
	cached client.Client
	live   client.Reader
}

func (m fakeManager) GetClient() client.Client    { return m.cached }
func (m fakeManager) GetAPIReader() client.Reader { return m.live }

// manager makes the clients: Clusters are only in the cache and all else only in the API server, so that what is read from the
// wrong place is not found.
func (s *seed) manager() fakeManager {
	cached, live := fake.NewClientBuilder().WithScheme(scheme), fake.NewClientBuilder().WithScheme(scheme)
	for _, o := range s.objects {
		if _, is := o.(*extensionsv1alpha1.Cluster); is {
			cached = cached.WithObjects(o)
		} else {
			live = live.WithObjects(o)
		}
	}
	return fakeManager{cached: cached.Build(), live: live.Build()}
}

type factory func(manager.Manager) (*extensionswebhook.Webhook, error)

// factories are the webhooks by the Extensions that they serve.
var factories = map[string]factory{
	operatingsystemconfig.CacheName:  operatingsystemconfig.NewCacheWebhook,
	operatingsystemconfig.MirrorName: operatingsystemconfig.NewMirrorWebhook,
}

func webhook(tb testing.TB, mgr manager.Manager, name string) *extensionswebhook.Webhook {
	tb.Helper()
	w, err := factories[name](mgr)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// ask sends an OperatingSystemConfig, as JSON, to a webhook.
func (s *seed) ask(tb testing.TB, name string, osc []byte) admission.Response {
	tb.Helper()
	return webhook(tb, s.manager(), name).Webhook.Handle(context.Background(), request(osc))
}

func request(osc []byte) admission.Request {
	return admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		UID:       "1",
		Kind:      metav1.GroupVersionKind{Group: "extensions.gardener.cloud", Version: "v1alpha1", Kind: "OperatingSystemConfig"},
		Namespace: namespace,
		Name:      "osc",
		Operation: admissionv1.Update,
		Object:    runtime.RawExtension{Raw: osc},
	}}
}

// apply does what an API server does with an answer.
func apply(tb testing.TB, response admission.Response, osc []byte) []byte {
	tb.Helper()
	if !response.Allowed {
		tb.Fatalf("refused: %s", response.Result.Message)
	}
	if len(response.Patch) == 0 {
		return osc
	}
	if response.PatchType == nil || *response.PatchType != admissionv1.PatchTypeJSONPatch {
		tb.Fatalf("the patch must be a JSONPatch, got %v", response.PatchType)
	}
	decoded, err := jsonpatch.DecodePatch(response.Patch)
	if err == nil {
		osc, err = decoded.Apply(osc)
	}
	if err != nil {
		tb.Fatalf("applying %s: %v", response.Patch, err)
	}
	return osc
}

// readOSC returns the OperatingSystemConfig of a case as JSON.
func readOSC(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name, "osc.yaml"))
	if err == nil {
		text, err = yaml.YAMLToJSON(text)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// replace changes a text that must be there.
func replace(tb testing.TB, text []byte, old, by string) []byte {
	tb.Helper()
	if !bytes.Contains(text, []byte(old)) {
		tb.Fatalf("%s is not in %s", old, text)
	}
	return bytes.Replace(text, []byte(old), []byte(by), 1)
}
