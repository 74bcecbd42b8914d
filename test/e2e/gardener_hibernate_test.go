//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/gardener/gardener/pkg/utils/secrets"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/tool"
)

// TestGardenerHibernation puts a Shoot with a cache to sleep, wakes it up with a machine that is new, and deletes it. The first node
// is the seed's: none of the shoot's pods run there.
func TestGardenerHibernation(t *testing.T) {
	g := newGardener(t, options{})
	g.kubectl("taint", "node", g.node.Name, "seed=true:NoSchedule")
	image, config := g.pushHub("library/app:1"), registryConfig(plainCache("docker.io"))
	changed := registryConfig(plainCache("docker.io"), plainCache("quay.io")) // while it sleeps
	t.Logf("create: the Extension took %s, before there is a node", rounded(g.reconcile(config)))
	worker := g.addNode()
	t.Logf("create: used %s after the first node was there", g.expectHosts([]string{"docker.io"}, worker))
	g.expectThrough(g.hub, "docker-io", image, worker)

	before := g.deployed()
	g.hibernate(config, worker)
	awake := g.disconnect()
	t.Logf("asleep: the Extension took %s", rounded(g.reconcile(changed)))
	if diff := cmp.Diff(before, g.deployed()); diff != "" {
		t.Errorf("hibernation has changed what is deployed (-before +after):\n%s", diff)
	}

	start := time.Now()
	awake()
	g.wakeUp(changed, worker)
	g.expectHosts([]string{"docker.io", "quay.io"}, worker)
	t.Logf("wake up: used %s after it began", rounded(time.Since(start)))
	g.expectStored(g.hub, "docker-io", image, worker)
	after := g.deployed()
	for name, object := range before {
		if after[name] != object && !strings.HasPrefix(name, managedResource) {
			t.Errorf("%s is %s after waking up, was %s", name, after[name], object)
		}
	}

	g.must(g.shoot.MarkDeleted(g.ctx, false))
	g.destroy(worker)
	moment := g.now()
	t.Logf("delete: the Extension took %s", rounded(g.deleteExtension()))
	if r := g.removalSince(moment); r.cleaners > 0 {
		t.Error("there was a cleaner although the nodes are gone")
	}
	g.expectNothingLeft()
	g.must(g.Client().DeleteAllOf(g.ctx, &extensionsv1alpha1.OperatingSystemConfig{}, client.InNamespace(g.shoot.Namespace)))
	g.must(g.shoot.Delete(g.ctx))
}

// hibernate does what gardenlet does to hibernate a Shoot with one node: it has the Extension reconciled and the
// OperatingSystemConfig written, has the machine destroyed, and stops the resource-manager.
func (g *gardener) hibernate(config []byte, worker *cluster.Node) {
	g.t.Helper()
	g.must(g.shoot.Hibernate(g.ctx, true))
	g.t.Logf("hibernate: the Extension took %s", rounded(g.reconcile(config)))
	g.eventually(10*time.Second, "the OperatingSystemConfig names no cache", func() error {
		if units := g.applyOSC().Spec.Units; len(units) > 0 {
			return fmt.Errorf("it has units: %+v", units)
		}
		return nil
	})
	// The nodes go with it, so none follows the OperatingSystemConfig.
	g.expectHosts([]string{"docker.io"}, worker)
	g.destroy(worker)
	g.must(g.Process(cluster.ResourceManager).Stop(10 * time.Second))
}

// disconnect takes the shoot's API server out of the extension's reach, as it is while the Shoot sleeps: nobody listens at the
// address that the kubeconfig has. The function that it returns undoes that.
func (g *gardener) disconnect() (connect func()) {
	g.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: g.shoot.Namespace, Name: v1beta1constants.SecretNameGardener}}
	g.must(g.Client().Get(g.ctx, client.ObjectKeyFromObject(secret), secret))
	good := secret.Data[secrets.DataKeyKubeconfig]
	config, err := clientcmd.Load(good)
	g.must(err)
	for _, c := range config.Clusters {
		c.Server = "https://127.0.0.1:1" // of the extension's pod
	}
	set := func(text []byte) {
		g.t.Helper()
		patch := client.MergeFrom(secret.DeepCopy())
		secret.Data[secrets.DataKeyKubeconfig] = text
		g.must(g.Client().Patch(g.ctx, secret, patch))
	}
	unreachable, err := clientcmd.Write(*config)
	g.must(err)
	set(unreachable)
	return func() { g.t.Helper(); set(good) }
}

// wakeUp does what gardenlet does to wake the Shoot up: the machine comes last, and has nothing of the one before.
func (g *gardener) wakeUp(config []byte, worker *cluster.Node) {
	g.t.Helper()
	g.must(g.shoot.Hibernate(g.ctx, false))
	g.must(g.StartResourceManager(g.ctx))
	g.t.Logf("wake up: the Extension took %s", rounded(g.reconcile(config)))
	g.eventually(10*time.Second, "the OperatingSystemConfig names the cache", func() error {
		if len(g.applyOSC().Spec.Units) == 0 {
			return fmt.Errorf("it has no unit")
		}
		return nil
	})
	g.agents[worker.Name] = newNodeAgent(worker)
	for _, dir := range []string{certsDir, unitsDir, "/opt/bin"} {
		g.must(os.RemoveAll(g.agents[worker.Name].path(dir)))
	}
	g.must(worker.Boot(g.ctx))
	g.roll(worker)
}

// destroy takes a machine away as the machine-controller-manager does: its pods first, then the machine, then the Node.
func (g *gardener) destroy(node *cluster.Node) {
	g.t.Helper()
	g.pipe("", tool.Path(g.t, "kubectl"), "drain", node.Name, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--grace-period=5")
	g.must(node.Halt())
	g.kubectl("delete", "node", node.Name)
}

// managedResource begins what deployed has of each ManagedResource.
const managedResource = "*v1alpha1.ManagedResource "

// deployed tells what the extension has deployed and caused, by kind and name, and which object it is: its identity, and the
// generation of its content.
func (g *gardener) deployed() map[string]string {
	g.t.Helper()
	found := map[string]string{}
	for _, list := range []client.ObjectList{
		&resourcesv1alpha1.ManagedResourceList{}, &corev1.ServiceList{}, &appsv1.StatefulSetList{}, &appsv1.DaemonSetList{},
		&corev1.PersistentVolumeClaimList{},
	} {
		g.must(g.Client().List(g.ctx, list))
		g.must(meta.EachListItem(list, func(item runtime.Object) error {
			object, err := meta.Accessor(item)
			if err != nil || object.GetNamespace() == metav1.NamespaceDefault {
				return err
			}
			found[fmt.Sprintf("%T %s/%s", item, object.GetNamespace(), object.GetName())] = fmt.Sprintf("%s at %d", object.GetUID(), object.GetGeneration())
			return nil
		}))
	}
	return found
}
