//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"golang.org/x/sync/errgroup"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/test/charts"
	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
	"github.com/registry-cache/registry-cache/test/tool"
)

const (
	// cacheExtension is the extension type, and the name that gardenlet gives its Extension.
	cacheExtension = "registry-cache"
	// extensionNamespace is where gardenlet would install the extension, extensionName what its chart calls all that is in it.
	extensionNamespace, extensionName = "extension-registry-cache", "gardener-extension-registry-cache"
	// poolOSC is the OperatingSystemConfig of the one worker pool.
	poolOSC = "gardener-node-agent-worker-0a1b2"
)

// gardener is a cluster that is seed and shoot at once: the extension runs in it as a pod of its chart, the test plays gardenlet,
// and a nodeAgent plays the gardener-node-agent of each node.
type gardener struct {
	*env
	shoot  *cluster.Shoot
	agents map[string]*nodeAgent // by the names of nodes
}

// newGardener starts a cluster with the resource-manager, installs the extension, and creates a Shoot without it.
func newGardener(t *testing.T, o options, changes ...func(*gardencorev1beta1.Shoot)) *gardener { //nolint:unparam // as newEnv
	t.Helper()
	o.resourceManager = true
	o.images = append(o.images, nodeimages.Extension)
	g := &gardener{env: newEnv(t, o), agents: map[string]*nodeAgent{}}
	t.Cleanup(g.tellExtension)
	g.installExtension()
	for _, node := range g.Nodes() {
		g.agents[node.Name] = newNodeAgent(node)
	}
	var err error
	g.shoot, err = g.NewShoot(g.ctx, "e2e", changes...)
	g.must(err)
	// What gardenlet's secrets manager has for the API server, which the monitoring refers to.
	g.must(g.Client().Create(g.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: g.shoot.Namespace, Name: "ca-bundle-0a1b2c3d",
		Labels: map[string]string{"managed-by": "secrets-manager", "manager-identity": "gardenlet", "bundle-for": "ca", "name": "ca-bundle"},
	}}))
	g.awaitExtension()
	return g
}

// installExtension creates what the chart renders, exactly, and what a seed and a shoot have that it relies on.
func (g *gardener) installExtension() {
	g.t.Helper()
	for name, value := range map[string]int32{"gardener-system-900": 999998900, "gardener-shoot-system-700": 999998700} {
		g.must(g.Client().Create(g.ctx, &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}))
	}
	// The label is what gardenlet makes of the ControllerRegistration's annotation.
	g.must(g.Client().Create(g.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: extensionNamespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "baseline"},
	}}))
	values := map[string]any{"image": map[string]any{"ref": g.reference(nodeimages.Extension)}, "logFormat": "text"}
	objects, err := charts.Render(filepath.Join(tool.Root(g.t), "controller", "charts", extensionName), values, extensionNamespace)
	g.must(err)
	for _, object := range objects {
		g.must(g.Client().Create(g.ctx, object))
	}
}

// awaitExtension waits until the extension is ready and the API server knows how to call its webhooks.
func (g *gardener) awaitExtension() {
	g.t.Helper()
	took := g.eventually(2*time.Minute, "the extension is ready", func() error {
		deployment := &appsv1.Deployment{}
		if err := g.Client().Get(g.ctx, client.ObjectKey{Namespace: extensionNamespace, Name: extensionName}, deployment); err != nil {
			return err
		}
		if deployment.Status.AvailableReplicas == 0 {
			return fmt.Errorf("none of its pods is: %+v", deployment.Status)
		}
		var registered admissionregistrationv1.MutatingWebhookConfiguration
		if err := g.Client().Get(g.ctx, client.ObjectKey{Name: extensionName}, &registered); err != nil {
			return err
		}
		for i := range registered.Webhooks {
			if c := registered.Webhooks[i].ClientConfig; c.Service == nil || len(c.CABundle) == 0 {
				return fmt.Errorf("the webhook %s has no Service or no authority", registered.Webhooks[i].Name)
			}
		}
		return nil
	})
	g.t.Logf("the extension was ready after %s", took.Round(100*time.Millisecond))
}

// tellExtension prints what the extension and the resource-manager said, if the test has failed.
func (g *gardener) tellExtension() {
	if !g.t.Failed() {
		return
	}
	output, err := g.tryPipe("", tool.Path(g.t, "kubectl"), "logs", "-n", extensionNamespace, "deployment/"+extensionName, "--tail=60")
	g.t.Logf("the extension: %v\n%s", err, output)
	output, err = g.tryPipe("", tool.Path(g.t, "kubectl"), "get", "extensions,managedresources", "-A", "-o", "wide")
	g.t.Logf("%v\n%s", err, output)
	for name := range g.agents {
		g.t.Logf("the guard of %s:\n%s", name, g.agents[name].node.Logs(guardUnit))
	}
}

// registryConfig returns a providerConfig with caches, each as plainCache and securedCache return them.
func registryConfig(caches ...string) []byte {
	return fmt.Appendf(nil, `{"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "kind": "RegistryConfig", "caches": [%s]}`,
		strings.Join(caches, ", "))
}

// plainCache is a cache without TLS.
func plainCache(upstream string) string {
	return fmt.Sprintf(`{"upstream": %q, "volume": {"size": "1Gi"}, "http": {"tls": false}}`, upstream)
}

// securedCache is a cache with TLS, as it is by default.
func securedCache(upstream string) string {
	return fmt.Sprintf(`{"upstream": %q, "volume": {"size": "1Gi"}}`, upstream)
}

// configure does what a reconciliation of the Shoot does: the Extension first, and, once that has succeeded, the
// OperatingSystemConfig, which the nodes then follow. It returns how long the Extension took.
func (g *gardener) configure(config []byte) time.Duration {
	g.t.Helper()
	took := g.reconcile(config)
	g.roll()
	return took
}

// reconcile applies the Extension as gardenlet does, without the nodes, and returns how long it took to be ready.
func (g *gardener) reconcile(config []byte) time.Duration {
	g.t.Helper()
	start := time.Now()
	g.must(g.shoot.ApplyExtension(g.ctx, cacheExtension, config))
	g.must(g.shoot.WaitReady(g.ctx, cacheExtension))
	return time.Since(start)
}

// deleteExtension deletes the Extension as gardenlet does, without the nodes, and returns how long that took. Webhooks do not
// see the shoot any more from the beginning, because its namespace does not have the extension's label.
func (g *gardener) deleteExtension() time.Duration {
	g.t.Helper()
	start := time.Now()
	g.enabled(false)
	g.must(g.shoot.DeleteExtension(g.ctx, cacheExtension))
	g.must(g.shoot.WaitDeleted(g.ctx, cacheExtension))
	return time.Since(start)
}

// enabled labels the shoot's namespace as gardenlet does at the beginning of a reconciliation.
func (g *gardener) enabled(enabled bool) {
	g.t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: g.shoot.Namespace}}
	label := v1beta1constants.LabelExtensionPrefix + cacheExtension
	patch := map[string]any{"metadata": map[string]any{"labels": map[string]any{label: nil}}}
	if enabled {
		patch = map[string]any{"metadata": map[string]any{"labels": map[string]any{label: "true"}}}
	}
	text, err := json.Marshal(patch)
	g.must(err)
	g.must(g.Client().Patch(g.ctx, namespace, client.RawPatch("application/merge-patch+json", text)))
}

// roll writes the OperatingSystemConfig as gardenlet does, and lets nodes follow it, all if none is given. It returns when each
// of them has.
func (g *gardener) roll(nodes ...*cluster.Node) {
	g.t.Helper()
	if len(nodes) == 0 {
		nodes = g.Nodes()
	}
	config := g.applyOSC()
	group, ctx := errgroup.WithContext(g.ctx)
	for _, node := range nodes {
		group.Go(func() error { return g.agents[node.Name].apply(ctx, config) })
	}
	g.must(group.Wait())
}

// applyOSC writes the OperatingSystemConfig of the pool, and returns it as the webhooks have left it.
func (g *gardener) applyOSC() *extensionsv1alpha1.OperatingSystemConfig {
	g.t.Helper()
	config, err := g.shoot.ApplyOSC(g.ctx, poolOSC, extensionsv1alpha1.OperatingSystemConfigPurposeReconcile, g.desiredOSC())
	g.must(err)
	return config
}

// desiredOSC is what gardenlet writes for the pool, without what its nodes have already: kubelet, containerd.
func (g *gardener) desiredOSC() extensionsv1alpha1.OperatingSystemConfigSpec {
	permissions := uint32(0o644)
	return extensionsv1alpha1.OperatingSystemConfigSpec{
		CRIConfig: &extensionsv1alpha1.CRIConfig{
			Name:       extensionsv1alpha1.CRINameContainerD,
			Containerd: &extensionsv1alpha1.ContainerdConfig{SandboxImage: g.reference(nodeimages.Pause)},
		},
		Files: []extensionsv1alpha1.File{{
			Path: "/etc/sysctl.d/99-k8s-general.conf", Permissions: &permissions,
			Content: extensionsv1alpha1.FileContent{Inline: &extensionsv1alpha1.FileContentInline{Data: "vm.max_map_count = 135217728\n"}},
		}},
	}
}

// addNode adds a node to the pool: it joins with what the OperatingSystemConfig says.
func (g *gardener) addNode() *cluster.Node {
	g.t.Helper()
	node, err := g.AddNode(g.ctx)
	g.must(err)
	g.agents[node.Name] = newNodeAgent(node)
	g.roll(node)
	return node
}

// status returns the providerStatus of the Extension.
func (g *gardener) status() (status v1alpha3.RegistryStatus) {
	g.t.Helper()
	extension, err := g.shoot.Extension(g.ctx, cacheExtension)
	g.must(err)
	if extension.Status.ProviderStatus != nil {
		g.must(json.Unmarshal(extension.Status.ProviderStatus.Raw, &status))
	}
	return status
}

// events returns the messages of events on the Extension with a reason.
func (g *gardener) events(reason string) (messages []string) {
	g.t.Helper()
	var list corev1.EventList
	g.must(g.Client().List(g.ctx, &list, client.InNamespace(g.shoot.Namespace)))
	for i := range list.Items {
		if list.Items[i].Reason == reason && list.Items[i].InvolvedObject.Kind == "Extension" {
			messages = append(messages, list.Items[i].Message)
		}
	}
	return messages
}

// shootCache is the pod of a cache in the shoot, by the name of its objects without registry-, "docker-io".
func shootCache(name string) cachePod {
	return cachePod{metav1.NamespaceSystem, "registry-" + name + "-0"}
}
