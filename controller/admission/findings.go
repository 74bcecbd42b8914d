package admission

import (
	"context"
	"fmt"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/registry-cache/registry-cache/functions/fault"
)

// findings is all that a validation has to say.
type findings struct {
	// invalid is what the user must mend, unavailable what could not be found out.
	invalid, unavailable []error
	// warnings are for the user and refuse nothing.
	warnings []string
}

// refuse adds faults of fields. The fault list shortens long values.
func (f *findings) refuse(faults field.ErrorList) {
	for _, one := range fault.FromFields(fault.Configuration, faults) {
		f.invalid = append(f.invalid, one)
	}
}

// refuseText adds the faults of a providerConfig that cannot be decoded, as one error.
func (f *findings) refuseText(faults field.ErrorList) {
	if len(faults) > 0 {
		f.invalid = append(f.invalid, fmt.Errorf("failed to decode providerConfig: %w", fault.FromFields(fault.Configuration, faults)))
	}
}

// report leaves the warnings with the response and returns the rest as one error, or nil.
func (f *findings) report(ctx context.Context) error {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.warnings = f.warnings
		n.unavailable = len(f.invalid) == 0 && len(f.unavailable) > 0
	}
	return utilerrors.NewAggregate(append(f.invalid, f.unavailable...))
}

// notes is what the response to a request should say and Gardener's interface for validators, which is an error or nothing,
// cannot.
type notes struct {
	warnings []string
	// unavailable says that the request is refused only because something could not be found out.
	unavailable bool
}

type notesKey struct{}

// noting is a handler that adds the notes of its validator to the response.
type noting struct {
	admission.Handler
}

// Handle answers with the warnings of the validation. A request that could not be judged, because the API server did not
// give us a Secret, is an internal error and no denial: clients may try again.
func (h noting) Handle(ctx context.Context, request admission.Request) admission.Response {
	n := &notes{}
	response := h.Handler.Handle(context.WithValue(ctx, notesKey{}, n), request)
	response.Warnings = append(response.Warnings, n.warnings...)
	if n.unavailable && response.Result != nil {
		response.Result.Code = http.StatusInternalServerError
		response.Result.Reason = metav1.StatusReasonInternalError
	}
	return response
}
