package operatingsystemconfig_test

import (
	"context"
	"strings"
	"testing"
)

// TestMalformed: what is no OperatingSystemConfig is refused as a bad request, before anything is read.
func TestMalformed(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "reading the OperatingSystemConfig: unexpected end of JSON input",
		"{":                              "reading the OperatingSystemConfig: unexpected end of JSON input",
		"[]":                             "reading the OperatingSystemConfig: json: cannot unmarshal array",
		`{"spec":1}`:                     "reading the OperatingSystemConfig: json: cannot unmarshal number",
		`{"spec":{"files":{}}}`:          "reading the OperatingSystemConfig: json: cannot unmarshal object",
		`{"spec":{"units":["kubelet"]}}`: "reading the OperatingSystemConfig: json: cannot unmarshal string",
		`{"spec":{"purpose":"reconcile","criConfig":{"containerd":{"registries":[1]}}}}`: "reading the OperatingSystemConfig: json: cannot unmarshal number",
	} {
		for name := range factories {
			got := (&seed{}).ask(t, name, []byte(text))
			if got.Allowed || got.Patch != nil || got.Result.Code != 400 || !strings.HasPrefix(got.Result.Message, want) {
				t.Errorf("%s: want a bad request for %s: %s, got %v", name, text, want, got.Result)
			}
		}
	}
}

// TestOtherKinds: a webhook that is registered for something else says so.
func TestOtherKinds(t *testing.T) {
	s := load(t, "cache-and-mirror")
	for name := range factories {
		r := request(readOSC(t, "cache-and-mirror"))
		r.Kind.Version = "v1"
		const want = "the object must be an OperatingSystemConfig of extensions.gardener.cloud/v1alpha1, " +
			`got "OperatingSystemConfig" of "extensions.gardener.cloud/v1"`
		got := webhook(t, s.manager(), name).Webhook.Handle(context.Background(), r)
		if got.Allowed || got.Result.Code != 400 || got.Result.Message != want {
			t.Errorf("%s: want %s, got %v", name, want, got.Result)
		}
	}
}
