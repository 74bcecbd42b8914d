package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/registry-cache/registry-cache/test/charts"
	"github.com/registry-cache/registry-cache/test/cluster"
)

const (
	// extensionNamespace is where gardenlet would install the extension; the audit policy has it too.
	extensionNamespace = "extension-registry-cache"
	serviceAccount     = "gardener-extension-registry-cache"
	chart              = "controller/charts/gardener-extension-registry-cache"
	extensionType      = "registry-cache"
)

// extension is the process under test.
type extension struct {
	*cluster.Process
	health, metrics string // addresses
	args            []string
}

// startExtension starts the extension with the arguments of its chart, except for addresses, the folder of its webhook's
// certificate, a kubeconfig and leader election, and waits until it is ready.
func (w *world) startExtension(ctx context.Context) error {
	args, err := w.installChart(ctx)
	if err != nil {
		return err
	}
	kubeconfig, err := w.KubeconfigFor(ctx, extensionNamespace, serviceAccount)
	if err != nil {
		return err
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	w.extension = &extension{health: ports[0], metrics: ports[1], args: args}
	_, webhookPort, err := net.SplitHostPort(ports[2])
	if err != nil {
		return err
	}
	path, err := filepath.Abs(w.options.extension)
	if err != nil {
		return err
	}
	w.extension.Process, err = w.StartProcess("extension", path,
		[]string{"LEADER_ELECTION_NAMESPACE=" + extensionNamespace, "WEBHOOK_CONFIG_NAMESPACE=" + extensionNamespace},
		append(slices.Clone(args), "--kubeconfig="+kubeconfig, "--leader-election=false", "--webhook-config-cert-dir="+filepath.Join(w.dir, "certs"),
			"--webhook-config-mode=url", "--webhook-config-url="+ports[2], "--webhook-config-server-host="+loopback,
			"--webhook-config-server-port="+webhookPort, "--health-bind-address="+ports[0], "--metrics-bind-address="+ports[1])...)
	if err != nil {
		return err
	}
	return w.extension.waitReady(ctx)
}

// installChart creates what the chart has beside the Deployment, and returns the arguments of that.
func (w *world) installChart(ctx context.Context) ([]string, error) {
	values := map[string]any{"image": map[string]any{"ref": "registry.example/extension:test"}}
	objects, err := charts.Render(chart, values, extensionNamespace)
	if err != nil {
		return nil, err
	}
	namespace := &corev1.Namespace{}
	namespace.Name = extensionNamespace
	if err := w.Client().Create(ctx, namespace); err != nil {
		return nil, fmt.Errorf("creating the namespace of the extension: %w", err)
	}
	needPods := sets.New("Deployment", "PodDisruptionBudget", "VerticalPodAutoscaler", "PriorityClass")
	for _, object := range objects {
		if needPods.Has(object.GetKind()) {
			continue
		}
		if err := w.Client().Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, fmt.Errorf("creating %s %s of the chart: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return charts.ContainerArgs(objects)
}

// freePorts returns addresses on the loopback interface on which nobody listens.
func freePorts(count int) (addresses []string, err error) {
	for range count {
		listener, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer listener.Close() //nolint:errcheck // nothing was received
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}

// waitReady waits until the extension is ready, with its caches filled.
func (e *extension) waitReady(ctx context.Context) error {
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		select {
		case <-e.Exited():
			return false, errors.New("it has ended")
		default:
			return get(ctx, "http://"+e.health+"/readyz", nil) == nil, nil
		}
	})
	if err != nil {
		return fmt.Errorf("waiting until the extension is ready: %w; it printed last: %s", err, e.lastWords())
	}
	return nil
}

// lastWords are the end of what the extension printed.
func (e *extension) lastWords() string {
	logs := e.Logs()
	return logs[max(0, len(logs)-4000):]
}

// errors are the lines with an error that the extension printed, without their stack traces.
func (e *extension) errors() (found []string) {
	for line := range strings.Lines(e.Logs()) {
		if strings.Contains(line, `"level":"error"`) {
			line, _, _ = strings.Cut(line, `,"stacktrace"`)
			found = append(found, line)
		}
	}
	return found
}

// get asks for an address and hands the answer to read, if that is given.
func get(ctx context.Context, address string, read func(*http.Response) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, response.Status)
	}
	if read == nil {
		return nil
	}
	return read(response)
}
