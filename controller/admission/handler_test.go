package admission_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	coreinstall "github.com/gardener/gardener/pkg/apis/core/install"
	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"

	"github.com/registry-cache/registry-cache/controller/admission"
)

// cluster is all that a webhook wants of its manager.
type cluster struct {
	manager.Manager
	client client.Client
}

func (c cluster) GetScheme() *runtime.Scheme  { return c.client.Scheme() }
func (c cluster) GetClient() client.Client    { return c.client }
func (c cluster) GetAPIReader() client.Reader { return c.client }

func gardenScheme(t testing.TB) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	if err := scheme.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	coreinstall.Install(s)
	return s
}

// Every folder of testdata has an AdmissionReview as the API server sends it, with a v1beta1 Shoot, and the response.
func TestAdmissionReviews(t *testing.T) {
	broken := errors.New("etcd is down")
	for name, test := range map[string]struct {
		newWebhook func(manager.Manager) (*extensionswebhook.Webhook, error)
		secrets    []client.Object
		unreadable error
	}{
		"create":     {newWebhook: cacheWebhook, secrets: []client.Object{secret("docker", true, map[string]string{"username": "me", "password": canary})}},
		"refused":    {newWebhook: cacheWebhook},
		"unreadable": {newWebhook: cacheWebhook, unreadable: broken},
		"both":       {newWebhook: cacheWebhook, unreadable: broken},
		"unrelated":  {newWebhook: cacheWebhook, unreadable: broken},
		"mirror":     {newWebhook: admission.NewMirrorWebhook},
	} {
		t.Run(name, func(t *testing.T) {
			builder := fake.NewClientBuilder().WithScheme(gardenScheme(t)).WithObjects(test.secrets...)
			if test.unreadable != nil {
				builder.WithInterceptorFuncs(interceptor.Funcs{Get: get(func() error { return test.unreadable })})
			}
			hook, err := test.newWebhook(cluster{client: builder.Build()})
			if err != nil {
				t.Fatal(err)
			}
			body, err := os.ReadFile(filepath.Join("testdata", name+".request.json"))
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, filepath.Join("testdata", name+".response.json"), review(t, hook.Webhook, body))
		})
	}
}

// review posts an AdmissionReview and returns the response, indented.
func review(t *testing.T, hook http.Handler, body []byte) []byte {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	hook.ServeHTTP(recorder, request)
	answer := &admissionv1.AdmissionReview{}
	if err := json.Unmarshal(recorder.Body.Bytes(), answer); err != nil {
		t.Fatalf("status %d, %v: %s", recorder.Code, err, recorder.Body)
	}
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
