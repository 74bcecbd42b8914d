package admission_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/gardener/gardener/pkg/apis/core"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func TestWarnings(t *testing.T) {
	const (
		at    = "spec.extensions[0].providerConfig.caches"
		tls   = at + "[0].http: TLS is off because http is given without tls; leave http out for the default or set tls"
		hubs  = "caches: [{upstream: docker.io, http: {}}, {upstream: index.docker.io}]"
		third = "caches: [{upstream: docker.io, http: {}}, {upstream: index.docker.io}, {upstream: quay.io}]"
	)
	for name, test := range map[string]struct {
		old, new *core.Shoot
		allowed  bool
		want     []string
	}{
		"none":                                  {new: shoot(caches(oneCache)), allowed: true},
		"created":                               {new: shoot(caches("caches: [{upstream: docker.io, http: {}}]")), allowed: true, want: []string{tls}},
		"unchanged":                             {old: shoot(caches(hubs)), new: shoot(caches(hubs), unrelated), allowed: true},
		"what is refused is no warning besides": {new: shoot(caches(hubs)), want: []string{tls}},
		"what is spared is one": {old: shoot(caches(hubs)), new: shoot(caches(third)), allowed: true, want: []string{tls,
			at + `[1].upstream: upstreams "docker.io" and "index.docker.io" are the same registry, Docker Hub, but get a cache each; keep one of them`}},
		"in the user's version": {new: shoot(old("v1alpha2", "caches: [{upstream: docker.io, garbageCollection: {}}]")), allowed: true, want: []string{
			at + "[0].garbageCollection: content is kept for ever because garbageCollection is given but empty; leave it out for the default of 168h, or fill it in"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster{client: fake.NewClientBuilder().WithScheme(gardenScheme(t)).Build()}
			hook, err := cacheWebhook(c)
			if err != nil {
				t.Fatal(err)
			}
			answer := &admissionv1.AdmissionReview{}
			if err := json.Unmarshal(review(t, hook.Webhook, reviewOf(t, c.GetScheme(), test.old, test.new)), answer); err != nil {
				t.Fatal(err)
			}
			if answer.Response.Allowed != test.allowed || !slices.Equal(answer.Response.Warnings, test.want) {
				t.Errorf("allowed %v, warnings (-want +got):\n%s", answer.Response.Allowed, cmp.Diff(test.want, answer.Response.Warnings))
			}
		})
	}
}

// reviewOf returns the AdmissionReview of a v1beta1 Shoot.
func reviewOf(t *testing.T, scheme *runtime.Scheme, before, after *core.Shoot) []byte {
	t.Helper()
	request := &admissionv1.AdmissionRequest{UID: "1", Kind: metav1.GroupVersionKind{Group: "core.gardener.cloud", Version: "v1beta1", Kind: "Shoot"}}
	request.Object.Raw = asV1beta1(t, scheme, after)
	if before != nil {
		request.OldObject.Raw = asV1beta1(t, scheme, before)
	}
	return marshal(t, &admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: request,
	})
}

func asV1beta1(t *testing.T, scheme *runtime.Scheme, s *core.Shoot) []byte {
	t.Helper()
	versioned := &gardencorev1beta1.Shoot{}
	if err := scheme.Convert(s, versioned, nil); err != nil {
		t.Fatal(err)
	}
	versioned.TypeMeta = metav1.TypeMeta{APIVersion: "core.gardener.cloud/v1beta1", Kind: "Shoot"}
	return marshal(t, versioned)
}

func marshal(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
