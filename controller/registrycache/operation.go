package registrycache

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	extensionscontroller "github.com/gardener/gardener/extensions/pkg/controller"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	secretsmanager "github.com/gardener/gardener/pkg/utils/secrets/manager"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// operation is one run of the actuator for one Extension: what it was given, and what its steps found out for those that
// come after them.
type operation struct {
	*actuator
	log       logr.Logger
	ex        *extensionsv1alpha1.Extension
	namespace string
	cluster   *extensionscontroller.Cluster

	// config is the providerConfig with all defaults; nil before readConfig, and in a deletion, where it may be wrong.
	config *v1alpha3.RegistryConfig
	// shoot reads the shoot cluster; nil before connect.
	shoot client.Client
	// shootTransport is what that client's connections belong to.
	shootTransport http.RoundTripper
	// services are the Services of caches in the shoot, ours only; those of removed caches too.
	services []corev1.Service
	// items are what the pipeline reads: StatefulSets in the shoot, credentials, key pairs.
	items []manifest.Object
	// missing are the faults of credentials that are not there.
	missing fault.List
	// addresses are the cluster IPs by upstream, complete after deployServices.
	addresses map[string]string
	// secrets manages certificates; nil before issueCertificates.
	secrets secretsmanager.Interface
	// caBundle is the name of the Secret with the CA bundle; nil if no cache has TLS.
	caBundle *string
}

// operate runs the steps of an operation one after the other, within the budget. The error of a step names the step and
// keeps its codes.
func (a *actuator) operate(ctx context.Context, log logr.Logger, ex *extensionsv1alpha1.Extension, plan func(*operation) []step) error {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	cluster, err := extensionscontroller.GetCluster(ctx, a.client, ex.Namespace)
	if err != nil {
		return fmt.Errorf("reading the Cluster %q: %w", ex.Namespace, err)
	}
	o := &operation{actuator: a, log: log, ex: ex, namespace: ex.Namespace, cluster: cluster}
	defer o.disconnect()
	for _, s := range plan(o) {
		log.V(1).Info("Next step", "step", s.name)
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// status returns what the Extension's status says. A status that cannot be read counts as none: it is written anew, and what
// it would have told is found in the shoot.
func (o *operation) status() v1alpha3.RegistryStatus {
	var status v1alpha3.RegistryStatus
	if o.ex.Status.ProviderStatus == nil {
		return status
	}
	if err := json.Unmarshal(o.ex.Status.ProviderStatus.Raw, &status); err != nil {
		o.log.Error(err, "The providerStatus cannot be read, going by what the shoot has")
		return v1alpha3.RegistryStatus{}
	}
	return status
}
