package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/registries"
)

// Options say what is special about a cluster; the zero value is a good one.
type Options struct {
	// ServiceCIDR is the range of cluster IPs, or two with a comma for dual stack (10.96.0.0/16 if empty).
	ServiceCIDR string
	// WithoutResourceManager leaves the gardener-resource-manager out: ManagedResources stay as they are.
	WithoutResourceManager bool
	// Nodes is how many real nodes the cluster has, 0 to 4; [Cluster.AddNode] adds more. They need root and a few programs of
	// Debian: see docs/development.md. With nodes the whole cluster runs in network namespaces of its own.
	Nodes int
	// Archives are files with images, as package nodeimages writes them, that each node has from the beginning. The images
	// of the pause container and of CoreDNS must be among them.
	Archives []string
	// PauseImage and DNSImage are the names of those two.
	PauseImage, DNSImage string
	// Authority signs the certificates of the registries of the cluster's internet. Nodes trust it; images must be told.
	Authority *registries.CA
	// APIServerArgs are further arguments for the kube-apiserver.
	APIServerArgs []string
}

// Cluster is a running cluster that plays seed and shoot.
type Cluster struct {
	options Options
	tools   map[string]string
	dir     string
	files   files
	ports   ports
	config  *rest.Config
	client  client.Client

	toolsDir  string            // with the programs of nodes
	users     map[string]string // tokens by the names of users
	internet  *Internet         // nil without nodes
	nodes     []*Node
	forwarder *forwarder

	lock      sync.Mutex
	processes map[string]*Process // by name, those that have been stopped too
	order     []string            // names, as they were first started
	tokens    int                 // kubeconfigs written by KubeconfigFor
}

type ports struct {
	etcd, apiServer, resourceManagerHealth, resourceManagerMetrics, resourceManagerWebhooks int
}

// Start starts a cluster and returns when all of it is ready, or with the error that kept it from that (a program that has
// not been built, say) after everything has been stopped again. The context bounds the start only. Call
// [Cluster.Stop] in the end; a process that is killed before takes the cluster down with it, but leaves its temporary folder.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	if options.ServiceCIDR == "" {
		options.ServiceCIDR = defaultServiceCIDR
	}
	c := &Cluster{options: options, processes: map[string]*Process{}}
	if err := c.prepare(); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// prepare finds the programs and writes all files that they need.
func (c *Cluster) prepare() (err error) {
	names := []string{Etcd, APIServer, ControllerManager, ResourceManager}
	if c.options.Nodes > maxNodes {
		return fmt.Errorf("there must be at most %d nodes, got %d", maxNodes, c.options.Nodes)
	}
	if c.options.Nodes > 0 {
		names = append(names, Scheduler, Containerd, Kubelet, KubeProxy)
	}
	if c.tools, err = toolPaths(names...); err != nil {
		return err
	}
	c.toolsDir = filepath.Dir(c.tools[Etcd])
	if c.dir, err = TempDir(); err != nil {
		return fmt.Errorf("making a folder for the cluster: %w", err)
	}
	c.files = files{dir: c.dir}
	if err := c.files.writeKeys(); err != nil {
		return err
	}
	free, err := FreePorts(5)
	if err != nil {
		return err
	}
	c.ports = ports{free[0], free[1], free[2], free[3], free[4]}
	if err := c.prepareUsers(); err != nil {
		return err
	}
	return c.prepareNodes()
}

// prepareUsers makes the administrator, with a static token in the group that RBAC allows everything, and the users that
// are nodes' programs.
func (c *Cluster) prepareUsers() error {
	ca, err := os.ReadFile(c.files.cert())
	if err != nil {
		return fmt.Errorf("reading the serving certificate: %w", err)
	}
	c.config = &rest.Config{
		Host:            "https://" + hostPort(c.ports.apiServer),
		BearerToken:     rand.Text(),
		TLSClientConfig: rest.TLSClientConfig{CAData: ca},
		QPS:             -1, // tests are not to be slowed down on the client's side
	}
	lines := fmt.Sprintf("%s,admin,admin,%q\n", c.config.BearerToken, "system:masters") + c.prepareComponents()
	if err := os.WriteFile(c.files.tokens(), []byte(lines), 0o600); err != nil {
		return fmt.Errorf("writing the users' tokens: %w", err)
	}
	return writeKubeconfig(c.config, c.files.kubeconfig())
}

func (c *Cluster) start(ctx context.Context) error {
	machines := c.bootNodes(ctx)
	if err := c.startControlPlane(ctx); err != nil {
		return errors.Join(err, <-machines)
	}
	if !c.options.WithoutResourceManager {
		if err := c.StartResourceManager(ctx); err != nil {
			return errors.Join(err, <-machines)
		}
	}
	if err := c.waitForControllers(ctx); err != nil {
		return errors.Join(err, <-machines)
	}
	if err := <-machines; err != nil {
		return err
	}
	return c.joinNodes(ctx)
}

// startControlPlane starts all but the resource-manager, and installs gardener's kinds.
func (c *Cluster) startControlPlane(ctx context.Context) (err error) {
	if err := c.startEtcd(ctx); err != nil {
		return err
	}
	if err := c.StartAPIServer(ctx); err != nil {
		return err
	}
	if err := c.startControllerManager(); err != nil {
		return err
	}
	if err := c.installCRDs(ctx); err != nil {
		return err
	}
	if c.client, err = client.New(c.config, client.Options{Scheme: Scheme}); err != nil {
		return fmt.Errorf("making a client for the cluster: %w", err)
	}
	return nil
}

// waitForControllers waits until a controller of the controller manager has done its work: only then can pods be made.
func (c *Cluster) waitForControllers(ctx context.Context) error {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "default"}}
	return until(ctx, "the controller manager has made a service account", func(ctx context.Context) (bool, error) {
		err := c.client.Get(ctx, client.ObjectKeyFromObject(account), account)
		return err == nil, err
	})
}

// Stop kills everything that was started for the cluster, last first, and removes its folder. It can be called again.
func (c *Cluster) Stop() error {
	c.lock.Lock()
	defer c.lock.Unlock()
	var failed []error
	for _, name := range slices.Backward(c.order) {
		failed = append(failed, c.processes[name].Kill()) // nothing that it could tidy up is needed any more
	}
	failed = append(failed, c.closeNodes())
	if c.dir != "" {
		failed = append(failed, os.RemoveAll(c.dir))
	}
	return errors.Join(failed...)
}

// StartProcess starts one more program for the cluster, such as a controller under test, which [Cluster.Stop] stops. It
// may take the name of one that has ended, whose output then precedes its own. Its environment is exactly env: a
// KUBECONFIG of the developer's, say, must not lead it to another cluster.
func (c *Cluster) StartProcess(name, path string, env []string, args ...string) (*Process, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	earlier := c.processes[name]
	if earlier != nil && earlier.running() {
		return nil, fmt.Errorf("starting %s: it runs already", name)
	}
	if c.options.Nodes > 0 {
		path, args = lookPath("nsenter"), append([]string{"--net=" + c.nodes[0].net.Path(), "--", path}, args...)
	}
	process, err := startProcess(filepath.Join(c.dir, name+".log"), name, path, env, args...)
	if err != nil {
		return nil, err
	}
	if earlier == nil {
		c.order = append(c.order, name)
	}
	c.processes[name] = process
	return process, nil
}

// Process returns a program of the cluster by the name under which it was last started ([APIServer] and the other constants
// are those that each cluster has), or nil.
func (c *Cluster) Process(name string) *Process {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.processes[name]
}

// Logs returns what a program of the cluster has printed, for a test that has failed.
func (c *Cluster) Logs(name string) string {
	process := c.Process(name)
	if process == nil {
		return name + " was never started"
	}
	return process.Logs()
}
