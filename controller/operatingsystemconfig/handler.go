package operatingsystemconfig

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/patch"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// source is what distinguishes the two webhooks: where they take the configuration of containerd from.
type source struct {
	// name is the name and the type of the Extension.
	name string
	// unpatched says why the OperatingSystemConfigs of a Shoot stay as they are, "" if they do not.
	unpatched func(s *shoot) string
	// configuration makes the node function's input of the Extension: its config, and the Secrets that the config names. The
	// config is nil if there is nothing to configure.
	configuration func(ctx context.Context, live client.Reader, s *shoot, e *extensionsv1alpha1.Extension) (*input.Config, []manifest.Object, error)
	// yieldToGuard is that of containerdregistries.Desired.
	yieldToGuard bool
}

// handler answers admission requests for OperatingSystemConfigs.
type handler struct {
	source
	// cached reads from the informers' cache, live from the API server.
	cached, live client.Reader
}

// answer is what becomes of an OperatingSystemConfig.
type answer struct {
	// operations are a JSON Patch of what is ours, maybe empty.
	operations []patch.Operation
	// unpatched says why it stays as it is.
	unpatched string
}

// Handle answers with a JSON Patch, with nothing but permission, or with an error. Errors are answered as such and not as a
// denial: nobody may not do this, but it cannot be done yet, and gardenlet tries again.
func (h *handler) Handle(ctx context.Context, request admission.Request) admission.Response {
	if !containerdregistries.IsOperatingSystemConfig(request.Kind.Group+"/"+request.Kind.Version, request.Kind.Kind) {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("the object must be an OperatingSystemConfig of %s, got %q of %q",
			containerdregistries.OperatingSystemConfigAPIVersion, request.Kind.Kind, request.Kind.Group+"/"+request.Kind.Version))
	}
	view, err := containerdregistries.ViewOf(request.Object.Raw)
	if err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	a, err := h.answer(ctx, request.Namespace, view)
	if err != nil {
		log.FromContext(ctx).Error(err, "Refused an OperatingSystemConfig")
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return a.response()
}

func (h *handler) answer(ctx context.Context, namespace string, view containerdregistries.View) (answer, error) {
	switch {
	case view.Deleting:
		// No node gets it any more, and an error could keep it from going.
		return answer{unpatched: "the OperatingSystemConfig is being deleted"}, nil
	case view.Purpose != containerdregistries.PurposeReconcile:
		// It only boots a machine, which then fetches the one of purpose reconcile. Gardener forbids criConfig.containerd in it.
		return answer{unpatched: "the OperatingSystemConfig is not of purpose " + containerdregistries.PurposeReconcile}, nil
	}
	s, err := readShoot(ctx, h.cached, namespace)
	if err != nil {
		return answer{}, err
	}
	if reason := h.unpatched(s); reason != "" {
		return answer{unpatched: reason}, nil
	}
	extension, err := h.extension(ctx, namespace)
	if err != nil {
		return answer{}, err
	}
	switch {
	case extension == nil:
		// It is not there yet, or not any more; the label of the namespace comes and goes at another time. gardenlet writes
		// the OperatingSystemConfigs again after it has created the Extension, and without what is ours after it has deleted it.
		return answer{unpatched: "there is no extension " + h.name}, nil
	case extension.DeletionTimestamp != nil:
		// What the Extension stands for is being taken off the nodes; to bring it back here would undo that.
		return answer{unpatched: "the extension " + h.name + " is being deleted"}, nil
	}
	return h.plan(ctx, s, extension, view)
}

// extension returns the Extension, nil if there is none. It is read from the API server: gardenlet updates the
// OperatingSystemConfigs right after the Extension has been reconciled, and an informer that lags behind would write the
// endpoints of yesterday to every node, until the next reconciliation of the Shoot, a day later.
func (h *handler) extension(ctx context.Context, namespace string) (*extensionsv1alpha1.Extension, error) {
	extension := &extensionsv1alpha1.Extension{}
	key := client.ObjectKey{Namespace: namespace, Name: h.name}
	switch err := h.live.Get(ctx, key, extension); {
	case err == nil:
		return extension, nil
	case apierrors.IsNotFound(err):
		return nil, nil
	default:
		return nil, fmt.Errorf("reading the extension %s: %w", key, err)
	}
}

func (h *handler) plan(ctx context.Context, s *shoot, extension *extensionsv1alpha1.Extension, view containerdregistries.View) (answer, error) {
	config, secrets, err := h.configuration(ctx, h.live, s, extension)
	if err != nil {
		return answer{}, err
	}
	if config == nil {
		return answer{unpatched: "the extension " + h.name + " has nothing to configure"}, nil
	}
	key := client.ObjectKeyFromObject(extension)
	desired, err := containerdregistries.DesiredOf(*config, secrets)
	if err != nil {
		return answer{}, fmt.Errorf("configuring containerd for the extension %s: %w", key, err)
	}
	desired.YieldToGuard = h.yieldToGuard
	operations, err := containerdregistries.Plan(desired, view)
	if err != nil {
		return answer{}, fmt.Errorf("adding what the extension %s asks for to the OperatingSystemConfig: %w", key, err)
	}
	return answer{operations: operations}, nil
}

// response encodes the patch itself. controller-runtime would make one by comparing two whole OperatingSystemConfigs, with
// all that a typed one loses on the way.
func (a answer) response() admission.Response {
	response := admission.Allowed(a.unpatched)
	if len(a.operations) == 0 {
		return response
	}
	text, err := json.Marshal(a.operations)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("encoding the patch: %w", err))
	}
	response.Patch, response.PatchType = text, new(admissionv1.PatchTypeJSONPatch)
	return response
}
