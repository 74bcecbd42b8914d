//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/charts"
	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
	"github.com/registry-cache/registry-cache/test/registries"
	"github.com/registry-cache/registry-cache/test/tool"
)

// TestTakeOver starts this extension where the existing one was, and then the existing one again, while a node pulls all the time.
// The node uses one cache by a hosts.toml of gardener-node-agent, as it is today, and one by that of the script of older releases.
func TestTakeOver(t *testing.T) {
	o := newTakeOver(t)
	o.begin()
	before := o.identities()

	during := o.startPulls(o.node, o.images...)
	start := time.Now()
	o.installExtension()
	o.awaitExtension()
	t.Logf("the Extension was taken over after %s", o.configure(registryConfig(securedCache("docker.io"), plainCache("quay.io"))))
	o.awaitCaches(nodeimages.Cache)
	for _, c := range o.existing.caches {
		o.awaitGuarded(c)
	}
	t.Logf("taken over, with caches and node, after %s", time.Since(start).Round(100*time.Millisecond))
	during.expectNoneFailed("the take-over", unguardedPull)
	o.forgiveWaits("the end of the stock registry's pods, which do not leave their Services before, under a hosts.toml that nobody withdraws")
	o.expectKept(before)
	o.expectServed()

	during = o.startPulls(o.node, o.images...)
	start = time.Now()
	o.goBack()
	t.Logf("gone back after %s", time.Since(start).Round(100*time.Millisecond))
	during.expectNoneFailed("going back", guardedPull)
	o.expectKept(before)
	o.expectServed()
	o.expectNothingOfOurs()
}

// takeOver is a Shoot that has the existing extension, whose caches are used by the node.
type takeOver struct {
	*gardener
	existing *existingExtension
	quay     *cluster.Registry
	// images are one of each upstream.
	images []string
}

// newTakeOver starts a cluster without an extension, and creates a Shoot.
func newTakeOver(t *testing.T) *takeOver {
	t.Helper()
	g := &gardener{
		env:    newEnv(t, options{resourceManager: true, images: []string{nodeimages.Extension, nodeimages.Registry}}),
		agents: map[string]*nodeAgent{},
	}
	t.Cleanup(g.tellExtension)
	g.agents[g.node.Name] = newNodeAgent(g.node)
	var err error
	g.shoot, err = g.NewShoot(g.ctx, "e2e")
	g.must(err)
	g.must(g.Client().Create(g.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: g.shoot.Namespace, Name: "ca-bundle-0a1b2c3d",
		Labels: map[string]string{"managed-by": "secrets-manager", "manager-identity": "gardenlet", "bundle-for": "ca", "name": "ca-bundle"},
	}}))
	o := &takeOver{gardener: g, existing: &existingExtension{env: g.env, shoot: g.shoot, caches: []*existingCache{
		{upstream: "docker.io", remoteURL: "https://registry-1.docker.io", name: "registry-docker-io", tls: true},
		{upstream: "quay.io", remoteURL: "https://quay.io", name: "registry-quay-io"},
	}}}
	o.quay, err = g.Internet().StartRegistry("https://quay.io", registries.UpstreamOptions{})
	g.must(err)
	g.push(o.quay, "team/app:1")
	o.images = []string{g.pushHub("library/app:1"), "quay.io/team/app:1"}
	return o
}

// begin gives the Shoot the existing extension, and its caches data.
func (o *takeOver) begin() {
	o.t.Helper()
	o.must(o.shoot.ApplyExtension(o.ctx, cacheExtension, registryConfig(securedCache("docker.io"), plainCache("quay.io"))))
	o.existing.reconcile()
	o.must(o.shoot.WaitReady(o.ctx, cacheExtension))
	o.awaitCaches(nodeimages.Registry)
	docker, quay := o.existing.caches[0], o.existing.caches[1]
	o.rollExisting(func(config *extensionsv1alpha1.OperatingSystemConfigSpec) {
		o.existing.addRegistries(config, docker)
		o.existing.addScript(config, quay)
	})
	o.awaitHosts(docker, o.existing.hosts(docker, false))
	o.awaitHosts(quay, o.existing.hosts(quay, true))
	for i, registry := range []*cluster.Registry{o.hub, o.quay} {
		o.pull(o.images[i], o.node)
		o.expectPulledThrough(registry)
	}
	o.expectServed()
}

// rollExisting writes the OperatingSystemConfig with what the existing extension adds, and lets the node follow it.
func (o *takeOver) rollExisting(change func(*extensionsv1alpha1.OperatingSystemConfigSpec)) {
	o.t.Helper()
	desired := o.desiredOSC()
	change(&desired)
	config, err := o.shoot.ApplyOSC(o.ctx, poolOSC, extensionsv1alpha1.OperatingSystemConfigPurposeReconcile, desired)
	o.must(err)
	o.must(o.agents[o.node.Name].apply(o.ctx, config))
}

// goBack removes this extension and lets the existing one reconcile, and returns when caches and node are as it has them.
func (o *takeOver) goBack() {
	o.t.Helper()
	o.uninstallExtension()
	o.must(o.shoot.ApplyExtension(o.ctx, cacheExtension, registryConfig(securedCache("docker.io"), plainCache("quay.io"))))
	o.existing.reconcile()
	o.must(o.shoot.WaitReady(o.ctx, cacheExtension))
	o.awaitCaches(nodeimages.Registry)
	o.rollExisting(func(config *extensionsv1alpha1.OperatingSystemConfigSpec) {
		o.existing.addRegistries(config, o.existing.caches...)
	})
	for _, c := range o.existing.caches {
		o.awaitHosts(c, o.existing.hosts(c, false))
	}
}

// uninstallExtension deletes what the chart renders, and the registration of the webhooks: the existing extension's has the same
// name and takes its place.
func (o *takeOver) uninstallExtension() {
	o.t.Helper()
	values := map[string]any{"image": map[string]any{"ref": o.reference(nodeimages.Extension)}}
	objects, err := charts.Render(filepath.Join(tool.Root(o.t), "controller", "charts", extensionName), values, extensionNamespace)
	o.must(err)
	for _, object := range objects {
		o.must(o.Client().Delete(o.ctx, object))
	}
	o.must(o.Client().Delete(o.ctx, &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: extensionName}}))
	pods := &corev1.PodList{}
	o.eventually(time.Minute, "the extension is gone", func() error {
		if err := o.Client().List(o.ctx, pods, client.InNamespace(extensionNamespace)); err != nil {
			return err
		}
		if len(pods.Items) > 0 {
			return fmt.Errorf("%d pods are left", len(pods.Items))
		}
		return nil
	})
}

// awaitCaches waits until all caches are pods of an image and Ready.
func (o *takeOver) awaitCaches(image string) {
	o.t.Helper()
	want := o.reference(image)
	for _, c := range o.existing.caches {
		o.eventually(2*time.Minute, c.name+" runs "+want, func() error {
			pod := &corev1.Pod{}
			if err := o.Client().Get(o.ctx, client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: c.name + "-0"}, pod); err != nil {
				return err
			}
			ready := slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
				return condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
			})
			if got := pod.Spec.Containers[0].Image; got != want || !ready || pod.DeletionTimestamp != nil {
				return fmt.Errorf("it runs %s, ready: %t, deleted: %v", got, ready, pod.DeletionTimestamp)
			}
			return nil
		})
	}
}

// awaitHosts waits until hosts.toml of a cache's upstream is exactly as wanted.
func (o *takeOver) awaitHosts(c *existingCache, want string) {
	o.t.Helper()
	o.eventually(time.Minute, "hosts.toml of "+c.upstream, func() error {
		if got := o.hosts(o.node, c.upstream); got != want {
			return fmt.Errorf("it is %q, want %q", got, want)
		}
		return nil
	})
}

// awaitGuarded waits until hosts.toml of a cache's upstream is the guard's and leads to the cache.
func (o *takeOver) awaitGuarded(c *existingCache) {
	o.t.Helper()
	o.eventually(time.Minute, "the guard of "+c.upstream, func() error {
		if got := o.hosts(o.node, c.upstream); !strings.HasPrefix(got, "# managed by registry-cache ") || !strings.Contains(got, c.endpoint()) {
			return fmt.Errorf("hosts.toml is %q", got)
		}
		return nil
	})
}

// identities are the uids of StatefulSets, claims and Services, and the volumes and addresses that these have.
func (o *takeOver) identities() map[string]string {
	o.t.Helper()
	identities := map[string]string{}
	for _, c := range o.existing.caches {
		set, claim, service := &appsv1.StatefulSet{}, &corev1.PersistentVolumeClaim{}, &corev1.Service{}
		for name, object := range map[string]client.Object{c.name: set, "cache-volume-" + c.name + "-0": claim} {
			o.must(o.Client().Get(o.ctx, client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: name}, object))
		}
		o.must(o.Client().Get(o.ctx, client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: c.name}, service))
		for kind, uid := range map[string]types.UID{"StatefulSet": set.UID, "claim": claim.UID, "Service": service.UID} {
			identities[kind+" of "+c.upstream] = string(uid)
		}
		identities["volume of "+c.upstream], identities["address of "+c.upstream] = claim.Spec.VolumeName, service.Spec.ClusterIP
	}
	return identities
}

// expectKept fails unless all is as it was, and no cache has asked its upstream again for what it had.
func (o *takeOver) expectKept(before map[string]string) {
	o.t.Helper()
	for what, now := range o.identities() {
		if now != before[what] {
			o.t.Errorf("the %s is %s, was %s", what, now, before[what])
		}
	}
	for _, registry := range []*cluster.Registry{o.hub, o.quay} {
		fromNode := 0
		for _, request := range registry.Requests() {
			switch {
			case request.FromNode():
				fromNode++
			case strings.Contains(request.Path, "/blobs/") || request.ForContent() && request.Method != http.MethodHead:
				o.t.Errorf("a cache asked %s for what it had: %+v", registry.URL, request)
			}
		}
		o.t.Logf("the node itself asked %s %d times, while there was no cache", registry.URL, fromNode)
	}
}

// expectServed fails unless the node gets both images from the caches alone: their upstreams are off.
func (o *takeOver) expectServed() {
	o.t.Helper()
	for i, registry := range []*cluster.Registry{o.hub, o.quay} {
		pod := cachePod{metav1.NamespaceSystem, o.existing.caches[i].name + "-0"}
		registry.Stop()
		registry.Reset()
		before := o.metrics(pod)
		took := o.pull(o.images[i], o.node)
		o.expectHits(registry, before, o.metrics(pod))
		o.t.Logf("%s comes from the claim in %s, without its upstream", o.images[i], took.Round(time.Millisecond))
		o.must(registry.Start())
	}
}

// expectNothingOfOurs fails unless the node has nothing of the guard any more.
func (o *takeOver) expectNothingOfOurs() {
	o.t.Helper()
	if o.agents[o.node.Name].systemd.runs(guardUnit) {
		o.t.Error("the guard still runs")
	}
	for _, path := range []string{guardScript, filepath.Join(unitsDir, guardUnit)} {
		if _, err := os.Stat(filepath.Join(o.node.Root(), path)); !os.IsNotExist(err) {
			o.t.Errorf("%s is still there (%v)", path, err)
		}
	}
	for _, c := range o.existing.caches {
		dir := filepath.Join(certsDir, c.upstream)
		entries, err := os.ReadDir(filepath.Join(o.node.Root(), dir))
		o.must(err)
		for _, entry := range entries {
			if entry.Name() != "hosts.toml" {
				o.t.Errorf("%s is still there", filepath.Join(dir, entry.Name()))
			}
		}
	}
	if err := o.Client().Get(o.ctx, client.ObjectKey{Namespace: extensionNamespace, Name: extensionName}, &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
		o.t.Errorf("the extension is still there (%v)", err)
	}
}
