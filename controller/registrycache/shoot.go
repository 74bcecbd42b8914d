package registrycache

import (
	"context"
	"fmt"
	"strings"

	extensionsconfigv1alpha1 "github.com/gardener/gardener/extensions/pkg/apis/config/v1alpha1"
	"github.com/gardener/gardener/extensions/pkg/util"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/names"
)

// shootMapper knows the few kinds that are read in a shoot, so that no operation has to ask the API server what it serves.
var shootMapper = func() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{corev1.SchemeGroupVersion, appsv1.SchemeGroupVersion})
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Node"), meta.RESTScopeRoot)
	for _, kind := range []schema.GroupVersionKind{
		corev1.SchemeGroupVersion.WithKind("Service"), corev1.SchemeGroupVersion.WithKind("Pod"),
		appsv1.SchemeGroupVersion.WithKind("StatefulSet"), appsv1.SchemeGroupVersion.WithKind("DaemonSet"),
	} {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	return mapper
}()

// connect makes a client of the shoot from the kubeconfig that gardenlet keeps in the seed.
func (o *operation) connect(ctx context.Context) error {
	config, shoot, err := util.NewClientForShoot(ctx, o.client, o.namespace, client.Options{Mapper: shootMapper}, extensionsconfigv1alpha1.RESTOptions{})
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of the shoot: %w", err)
	}
	o.shoot = shoot
	// Equal configurations share one transport while a client has it: this is the client's.
	if o.shootTransport, err = rest.TransportFor(config); err != nil {
		return fmt.Errorf("finding the transport to the shoot: %w", err)
	}
	return nil
}

// disconnect closes the connection to the shoot. The next operation has a client and a connection of its own; this one would
// stay open for 90 s with nobody to use it, and in a seed with a thousand Shoots such connections take most of the memory.
func (o *operation) disconnect() {
	if o.shootTransport != nil {
		utilnet.CloseIdleConnectionsFor(o.shootTransport)
	}
}

// readShoot finds out what of the caches is in the shoot, and which addresses they have.
func (o *operation) readShoot(ctx context.Context) error {
	if err := o.readServices(ctx); err != nil {
		return err
	}
	if o.config == nil {
		return nil
	}
	o.addresses = o.knownAddresses()
	return o.readStatefulSets(ctx)
}

func (o *operation) readServices(ctx context.Context) error {
	var list corev1.ServiceList
	if err := o.shoot.List(ctx, &list, client.InNamespace(fnv1alpha1.ShootNamespace), client.HasLabels{names.LabelUpstreamHost}); err != nil {
		return fmt.Errorf("listing the Services of caches: %w", err)
	}
	o.services = nil
	for _, service := range list.Items {
		if isOurs(&service) && service.DeletionTimestamp == nil {
			o.services = append(o.services, service)
		}
	}
	return nil
}

// isOurs recognises the Service of a cache: its annotation names the upstream, and its labels and its name are those that
// the upstream's cache gets. Anybody may give a Service of his own the label upstream-host.
func isOurs(service *corev1.Service) bool {
	upstream := service.Annotations[names.AnnotationUpstream]
	return len(validation.ValidateUpstream(field.NewPath("upstream"), upstream)) == 0 &&
		service.Labels[names.LabelApp] == names.Object(upstream) &&
		service.Labels[names.LabelUpstreamHost] == names.UpstreamLabel(upstream) &&
		strings.HasPrefix(service.Name, names.ObjectPrefix)
}

// readStatefulSets adds those of caches to the items, for the pipeline to say which immutable fields a config would change.
func (o *operation) readStatefulSets(ctx context.Context) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("StatefulSetList"))
	if err := o.shoot.List(ctx, list, client.InNamespace(fnv1alpha1.ShootNamespace), client.HasLabels{names.LabelUpstreamHost}); err != nil {
		return fmt.Errorf("listing the StatefulSets of caches: %w", err)
	}
	for _, item := range list.Items {
		if item.GetDeletionTimestamp() == nil {
			o.items = append(o.items, manifest.Object(item.Object))
		}
	}
	return nil
}
