//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/registry-cache/registry-cache/test/charts"
	"github.com/registry-cache/registry-cache/test/cluster"
)

const (
	// extensionNamespace is where gardenlet would install the extension.
	extensionNamespace = "extension-registry-cache"
	serviceAccount     = "gardener-extension-registry-cache"
	chart              = "../../controller/charts/gardener-extension-registry-cache"
)

// controller is one process of the extension.
type controller struct {
	*cluster.Process
	webhookPort, healthPort, metricsPort int
}

// startController starts the extension as its chart would: with the chart's arguments, as the chart's ServiceAccount, whose
// rights are those of the chart's roles and no others. What only a pod can have is replaced by further arguments: addresses,
// the folder for certificates, a kubeconfig.
func (e *env) startController(name string, args ...string) *controller {
	e.t.Helper()
	chartArgs := e.installChart()
	kubeconfig, err := e.KubeconfigFor(e.ctx, extensionNamespace, serviceAccount)
	if err != nil {
		e.t.Fatal(err)
	}
	c := &controller{webhookPort: freePort(e.t), healthPort: freePort(e.t), metricsPort: freePort(e.t)}
	all := append([]string{}, chartArgs...)
	all = append(all,
		"--kubeconfig="+kubeconfig,
		"--leader-election=false",
		"--webhook-config-cert-dir="+e.t.TempDir(),
		"--webhook-config-mode=url",
		fmt.Sprintf("--webhook-config-url=127.0.0.1:%d", c.webhookPort),
		"--webhook-config-server-host=127.0.0.1",
		fmt.Sprintf("--webhook-config-server-port=%d", c.webhookPort),
		fmt.Sprintf("--health-bind-address=127.0.0.1:%d", c.healthPort),
		fmt.Sprintf("--metrics-bind-address=127.0.0.1:%d", c.metricsPort),
		"--log-format=text")
	all = append(all, args...)
	path, err := filepath.Abs(*extensionPath)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		e.t.Fatalf("%v: run make bin/gardener-extension-registry-cache first", err)
	}
	env := []string{"LEADER_ELECTION_NAMESPACE=" + extensionNamespace, "WEBHOOK_CONFIG_NAMESPACE=" + extensionNamespace}
	if c.Process, err = e.StartProcess(name, path, env, all...); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = c.Kill() })
	return c
}

// waitHealthy waits until a path of the health server answers with 200.
func (e *env) waitHealthy(c *controller, path string) {
	e.t.Helper()
	e.eventually(30*time.Second, func() error {
		select {
		case <-c.Exited():
			e.t.Fatal("the extension has ended:\n" + c.Logs())
		default:
		}
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", c.healthPort, path))
		if err != nil {
			return err
		}
		defer response.Body.Close() //nolint:errcheck // nothing of it is read
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", path, response.Status)
		}
		return nil
	})
}

// installChart applies what the chart has beside the Deployment, and returns the arguments of that.
func (e *env) installChart() []string {
	e.t.Helper()
	objects, err := charts.Render(chart, map[string]any{"image": map[string]any{"ref": "registry.example/extension:test"}}, extensionNamespace)
	if err != nil {
		e.t.Fatal(err)
	}
	args, err := charts.ContainerArgs(objects)
	if err != nil {
		e.t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: extensionNamespace}}
	if err := e.Client().Create(e.ctx, namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		e.t.Fatal(err)
	}
	for _, object := range objects {
		if needsPods(object) {
			continue
		}
		if err := e.Client().Create(e.ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
			e.t.Fatalf("creating %s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
	return args
}

func needsPods(object *unstructured.Unstructured) bool {
	switch object.GetKind() {
	case "Deployment", "PodDisruptionBudget", "VerticalPodAutoscaler", "PriorityClass":
		return true
	}
	return false
}

func freePort(t *testing.T) int {
	t.Helper()
	ports, err := cluster.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}
