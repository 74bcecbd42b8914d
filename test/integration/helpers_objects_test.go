//go:build integration

package integration

import (
	"fmt"
	"maps"
	"strings"
	"time"

	v1beta1helper "github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// monitoringNames are what monitoring of a shoot consists of in the seed, with the names of ours.
var monitoringNames = map[schema.GroupVersionKind]string{
	{Version: "v1", Kind: "ConfigMap"}:                                          "registry-cache-dashboards",
	{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"}:     "shoot-registry-cache",
	{Group: "monitoring.coreos.com", Version: "v1alpha1", Kind: "ScrapeConfig"}: "shoot-registry-cache",
}

// autoscalerKind is what a Shoot with vertical pod autoscaling has for each cache.
var autoscalerKind = schema.GroupVersionKind{Group: "autoscaling.k8s.io", Version: "v1", Kind: "VerticalPodAutoscaler"}

// everything are all objects that the extension may write or cause for a shoot, in the seed and in kube-system, by kind and name.
type everything map[string]unstructured.Unstructured

func (e *env) everything(s *cluster.Shoot) everything {
	e.t.Helper()
	found := everything{}
	core, apps := corev1.SchemeGroupVersion, appsv1.SchemeGroupVersion
	seed := []schema.GroupVersionKind{core.WithKind("Secret"), resourcesv1alpha1.SchemeGroupVersion.WithKind("ManagedResource")}
	for kind := range monitoringNames {
		seed = append(seed, kind)
	}
	shoot := []schema.GroupVersionKind{
		core.WithKind("Service"), core.WithKind("Secret"), core.WithKind("PersistentVolumeClaim"),
		apps.WithKind("StatefulSet"), apps.WithKind("DaemonSet"), autoscalerKind,
		networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"), policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"),
	}
	for namespace, kinds := range map[string][]schema.GroupVersionKind{s.Namespace: seed, "kube-system": shoot} {
		for _, kind := range kinds {
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(kind)
			e.must(e.Client().List(e.ctx, list, client.InNamespace(namespace)))
			for _, item := range list.Items {
				found[kind.Kind+" "+namespace+"/"+item.GetName()] = item
			}
		}
	}
	return found
}

// deployed waits until the resource-manager has applied all that the extension has asked for, and returns everything.
func (e *env) deployed(s *cluster.Shoot) everything {
	e.t.Helper()
	e.eventually(30*time.Second, func() error {
		for _, name := range []string{"extension-registry-cache", "extension-registry-cache-services"} {
			resource := managedResource(s, name)
			if err := e.Client().Get(e.ctx, client.ObjectKeyFromObject(resource), resource); err != nil {
				return err
			}
			applied := v1beta1helper.GetCondition(resource.Status.Conditions, resourcesv1alpha1.ResourcesApplied)
			if applied == nil || applied.Status != gardencorev1beta1.ConditionTrue || resource.Status.ObservedGeneration != resource.Generation {
				return fmt.Errorf("the ManagedResource %s is not applied: %+v", name, applied)
			}
		}
		return nil
	})
	return e.everything(s)
}

// content is what was decided about each object: all but its status and what the API server keeps books of.
func (a everything) content() map[string]any {
	content := map[string]any{}
	for name, object := range a {
		o := object.DeepCopy()
		o.SetManagedFields(nil)
		o.SetResourceVersion("")
		delete(o.Object, "status")
		content[name] = o.Object
	}
	return content
}

// versions are the resource versions.
func (a everything) versions() map[string]string {
	versions := map[string]string{}
	for name, object := range a {
		versions[name] = object.GetResourceVersion()
	}
	return versions
}

// expectUnchanged fails the scenario if anything of the shoot has been changed, is gone or is new.
func (e *env) expectUnchanged(s *cluster.Shoot, before everything) {
	e.t.Helper()
	e.expectUnchangedBut(s, before, "nothing")
}

// statefulSet returns the StatefulSet of a cache.
func (i inShoot) statefulSet(name string) *appsv1.StatefulSet {
	set, _ := i["StatefulSet registry-"+name].(*appsv1.StatefulSet)
	return set
}

// claim returns the claim of a cache's first pod.
func (i inShoot) claim(name string) *corev1.PersistentVolumeClaim {
	claim, _ := i["PersistentVolumeClaim cache-volume-registry-"+name+"-0"].(*corev1.PersistentVolumeClaim)
	return claim
}

// expectKept fails the scenario unless caches still have the StatefulSet, the claim and the address that they had.
func (e *env) expectKept(before inShoot, caches ...string) {
	e.t.Helper()
	after := e.shootObjects()
	for _, name := range caches {
		if set := after.statefulSet(name); set == nil || set.UID != before.statefulSet(name).UID {
			e.t.Errorf("the StatefulSet of %s is not the one that it was", name)
		}
		if claim := after.claim(name); claim == nil || claim.UID != before.claim(name).UID {
			e.t.Errorf("the claim of %s is not the one that it was", name)
		}
		service := after.service(name)
		if service == nil || service.UID != before.service(name).UID || service.Spec.ClusterIP != before.service(name).Spec.ClusterIP {
			e.t.Errorf("the Service of %s is not the one that it was", name)
		}
	}
}

// expectUnchangedBut is expectUnchanged without the objects whose names begin so.
func (e *env) expectUnchangedBut(s *cluster.Shoot, before everything, prefix string) {
	e.t.Helper()
	without := func(content map[string]any) map[string]any {
		maps.DeleteFunc(content, func(name string, _ any) bool { return strings.HasPrefix(name, prefix) })
		return content
	}
	e.expectSame(without(before.content()), without(e.everything(s).content()))
}

func (e *env) expectSame(before, after map[string]any) {
	e.t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		e.t.Errorf("what is deployed has changed (-before +after):\n%s", diff)
	}
}
