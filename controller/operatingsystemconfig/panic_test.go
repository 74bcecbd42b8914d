package operatingsystemconfig_test

import (
	"context"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// TestPanicIsAnError: a panic is the answer to one request, and not the end of the process that reconciles all Extensions.
func TestPanicIsAnError(t *testing.T) {
	for name := range factories {
		mgr := load(t, "cache-and-mirror").manager()
		mgr.cached = fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				panic("a defect")
			},
		}).Build()
		got := webhook(t, mgr, name).Webhook.Handle(context.Background(), request(readOSC(t, "cache-and-mirror")))
		if got.Allowed || got.UID != "1" || got.Result.Code != 500 || got.Result.Message != "panic: a defect [recovered]" {
			t.Errorf("%s: want the panic as an error, got %v %v", name, got.UID, got.Result)
		}
	}
}
