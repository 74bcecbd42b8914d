//go:build integration

package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/test/charts"
	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/extension"
)

const (
	admissionNamespace = "extension-admission-registry-cache"
	admissionName      = "gardener-extension-registry-cache-admission"
	runtimeChart       = "../../controller/charts/admission/runtime"
	applicationChart   = "../../controller/charts/admission/application"
	// gardenAccount is who the component is in the virtual garden; gardener-operator makes it.
	gardenAccount = "extension-admission-extension-registry-cache"
	// projectNamespace is that of the Shoots.
	projectNamespace = "garden-dev"
)

// garden is a garden cluster with the admission component.
type garden struct {
	*env
	process *cluster.Process
	// json writes what the API server serves from a CustomResourceDefinition: gardener's Shoots would be sent in another
	// encoding, which it understands only if it serves them itself.
	json client.Client
}

// startAdmission starts the admission component as its charts would: as the ServiceAccounts, with the arguments and with
// exactly the rights that these have in the runtime cluster and in the virtual garden. Both are played by the one cluster,
// which serves Shoots from a CustomResourceDefinition: its reviews of them are as real as those of gardener's API server.
func (e *env) startAdmission() *garden {
	e.t.Helper()
	e.serveShoots()
	e.createNamespace(admissionNamespace)
	e.createNamespace(projectNamespace)
	e.must(client.IgnoreAlreadyExists(e.Client().Create(e.ctx, &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: gardenAccount},
	})))
	args := e.installCharts()
	kubeconfig, err := e.KubeconfigFor(e.ctx, metav1.NamespaceSystem, gardenAccount)
	e.must(err)
	account, err := e.ConfigFor(e.ctx, admissionNamespace, admissionName)
	e.must(err)
	path, err := filepath.Abs(*admissionPath)
	e.must(err)
	if _, err := os.Stat(path); err != nil {
		e.t.Fatalf("%v: run make bin/%s first", err, admissionName)
	}
	addresses, err := extension.FreeAddresses()
	e.must(err)
	g := &garden{env: e, json: e.jsonClient()}
	e.t.Cleanup(g.forget)
	g.process = e.startAsPod("admission", path, account, slices.Concat(args, addresses.Args(e.t.TempDir()), []string{
		"--kubeconfig=" + kubeconfig,
		"--leader-election-namespace=" + admissionNamespace, // which a pod reads from its own metadata
		"--log-format=text",
	})...)
	e.waitAnswers(g.process, addresses.Health, "/readyz")
	g.awaitRegistered(addresses.Webhook)
	g.awaitAsked()
	return g
}

func (e *env) jsonClient() client.Client {
	e.t.Helper()
	config := e.RESTConfig()
	config.ContentType = runtime.ContentTypeJSON
	c, err := client.New(config, client.Options{Scheme: cluster.Scheme})
	e.must(err)
	return c
}

// serveShoots makes the API server serve Shoots with any content.
func (e *env) serveShoots() {
	e.t.Helper()
	text, err := os.ReadFile("testdata/shoots.yaml")
	e.must(err)
	crd := &apiextensionsv1.CustomResourceDefinition{}
	e.must(yaml.UnmarshalStrict(text, crd))
	_, err = envtest.InstallCRDs(e.RESTConfig(), envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{crd}})
	e.must(err)
}

func (e *env) createNamespace(name string) {
	e.t.Helper()
	e.must(client.IgnoreAlreadyExists(e.Client().Create(e.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})))
}

// installCharts applies what the charts of the admission component have beside the Deployment, and returns the arguments of that.
func (e *env) installCharts() []string {
	e.t.Helper()
	inRuntime, err := charts.Render(runtimeChart, map[string]any{"image": map[string]any{"ref": "registry.example/admission:test"}}, admissionNamespace)
	e.must(err)
	args, err := charts.ContainerArgs(inRuntime)
	e.must(err)
	inGarden, err := charts.Render(applicationChart, map[string]any{"gardener": map[string]any{"virtualCluster": map[string]any{
		"serviceAccount": map[string]any{"name": gardenAccount, "namespace": metav1.NamespaceSystem},
	}}}, metav1.NamespaceSystem)
	e.must(err)
	e.must(charts.CreateWithoutPods(e.ctx, e.Client(), append(inRuntime, inGarden...)))
	return args
}

// awaitRegistered waits until the component has registered its two webhooks at an address.
func (g *garden) awaitRegistered(address string) {
	g.t.Helper()
	g.eventually(60*time.Second, func() error {
		registered := &admissionregistrationv1.ValidatingWebhookConfiguration{}
		if err := g.Client().Get(g.ctx, client.ObjectKey{Name: admissionName}, registered); err != nil {
			return err
		}
		var clients []admissionregistrationv1.WebhookClientConfig
		for _, webhook := range registered.Webhooks {
			clients = append(clients, webhook.ClientConfig)
		}
		return twoAt(address, clients)
	})
}

// awaitAsked waits until the API server knows of the webhooks.
func (g *garden) awaitAsked() {
	g.t.Helper()
	g.eventually(15*time.Second, func() error {
		err := g.json.Create(g.ctx, gardenShoot("asked", cacheExtension, nil), client.DryRunAll)
		if err == nil || !strings.Contains(err.Error(), "denied the request") {
			return fmt.Errorf("a Shoot without a providerConfig is not refused: %w", err)
		}
		return nil
	})
}

// forget removes what would refuse Shoots when the component is gone, and what the next one would wait for. A scenario that has
// failed prints what the component said.
func (g *garden) forget() {
	if g.t.Failed() {
		g.t.Logf("what the admission component printed last:\n%s", tail(g.process.Logs(), 4000))
		return // the cluster goes with it
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, object := range []client.Object{
		&admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: admissionName}},
		leaseOf(admissionNamespace, admissionName),
	} {
		if err := g.Client().Delete(ctx, object); client.IgnoreNotFound(err) != nil {
			g.t.Error(err)
		}
	}
	for _, kind := range []client.Object{&gardencorev1beta1.Shoot{}, &corev1.Secret{}} {
		if err := g.json.DeleteAllOf(ctx, kind, client.InNamespace(projectNamespace)); err != nil {
			g.t.Error(err)
		}
	}
}
