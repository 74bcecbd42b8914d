package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var (
	//go:embed node/boot.sh
	bootScript []byte
	//go:embed node/containerd.toml
	containerdConfig string
	//go:embed node/kubelet.yaml
	kubeletConfig string
	//go:embed node/cni.conflist
	cniConfig string
)

// The programs of a node, as they are called in [Node.Logs].
const (
	// Containerd runs the containers.
	Containerd = "containerd"
	// Kubelet runs the pods.
	Kubelet = "kubelet"
	// KubeProxy leads from cluster IPs to pods.
	KubeProxy = "kube-proxy"
)

// Node is a machine of a cluster: a network namespace with a cable to the internet, and processes and mounts of its own
// that end with it. Its files are in a folder that survives a reboot.
type Node struct {
	// Name is the node's name in the cluster: node-0, node-1 and so on.
	Name string

	cluster *Cluster
	number  int
	dir     string
	net     *Namespace

	lock     sync.Mutex
	machine  *Process // nsenter, then unshare, whose child is process 1 of the node
	init     int      // process 1 of the node, as the test sees it
	programs map[string]*Process

	delivered bool // it has its images
}

// AddNode starts another node and returns when it is Ready.
func (c *Cluster) AddNode(ctx context.Context) (*Node, error) {
	number := len(c.nodes)
	if number == maxNodes {
		return nil, fmt.Errorf("starting a node: there are %d already", maxNodes)
	}
	n, err := c.newNode(number)
	if err != nil {
		return nil, err
	}
	if err := n.Boot(ctx); err != nil {
		return nil, err
	}
	return n, n.waitReady(ctx)
}

// newNode makes a node's folder and namespace, without anything that runs there.
func (c *Cluster) newNode(number int) (*Node, error) {
	n := &Node{Name: nodeName(number), cluster: c, number: number, programs: map[string]*Process{}}
	n.dir = filepath.Join(c.dir, n.Name)
	if err := n.writeFiles(); err != nil {
		return nil, fmt.Errorf("writing the files of %s: %w", n.Name, err)
	}
	var err error
	if n.net, err = newNamespace(n.log("network"), n.Name); err != nil {
		return nil, err
	}
	c.nodes = append(c.nodes, n)
	return n, errors.Join(n.net.Sysctl("ipv4/ip_forward", "1"), c.internet.plug(number, n.net))
}

// Boot starts a node that is off, and everything on it, and returns when its kubelet answers.
func (n *Node) Boot(ctx context.Context) error {
	if err := n.bootContainerd(ctx); err != nil {
		return err
	}
	return n.join(ctx)
}

// bootContainerd starts the machine up to what does not need an API server.
func (n *Node) bootContainerd(ctx context.Context) error {
	if err := n.startMachine(ctx); err != nil {
		return fmt.Errorf("booting %s: %w", n.Name, err)
	}
	if err := n.StartContainerd(ctx); err != nil {
		return err
	}
	if n.delivered {
		return nil
	}
	n.delivered = true
	return n.Import(ctx, n.cluster.options.Archives...)
}

// Import gives the node images from archives.
func (n *Node) Import(ctx context.Context, archives ...string) error {
	for _, archive := range archives {
		command := n.Command(ctx, "/opt/node/ctr", "--namespace=k8s.io", "images", "import", "--local", "-")
		file, err := os.Open(archive)
		if err != nil {
			return fmt.Errorf("importing images: %w", err)
		}
		command.Stdin = file
		output, err := command.CombinedOutput()
		_ = file.Close() // it was read only
		if err != nil {
			return fmt.Errorf("importing the images of %s on %s: %w: %s", archive, n.Name, err, output)
		}
	}
	return nil
}

// join starts what needs the API server, and returns when kubelet answers.
func (n *Node) join(ctx context.Context) error {
	if err := n.StartKubelet(ctx); err != nil {
		return err
	}
	_, err := n.Start(KubeProxy, "/opt/node/kube-proxy", "--kubeconfig=/etc/kubernetes/kube-proxy.kubeconfig", "--hostname-override="+n.Name,
		"--proxy-mode=iptables", "--conntrack-max-per-core=0", "--cluster-cidr="+podRange, "--iptables-min-sync-period=0s",
		"--metrics-bind-address=127.0.0.1:10249", "--nodeport-addresses=primary")
	return err
}

// startMachine starts process 1 and waits until it has made the node's file system.
func (n *Node) startMachine(ctx context.Context) error {
	if err := n.makeCgroups(); err != nil {
		return err
	}
	var err error
	n.machine, err = startProcess(n.log("boot"), n.Name, lookPath("nsenter"), []string{"PATH=" + nodePath},
		"--net="+n.net.Path(), "--", lookPath("unshare"), "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--",
		"/bin/bash", filepath.Join(n.dir, "boot.sh"), n.Root(), n.cluster.toolsDir, n.cluster.sharedDir())
	if err != nil {
		return err
	}
	err = until(ctx, "process 1 runs", func(context.Context) (bool, error) {
		n.init, err = childOf(n.machine.PID())
		if err != nil || !n.machine.running() {
			return false, fmt.Errorf("%w; it printed last: %s", err, tail(n.machine.Logs()))
		}
		_, err := os.Stat(fmt.Sprintf("/proc/%d/root/run/booted", n.init))
		return err == nil, err
	})
	return err
}

// childOf returns the one child of a process.
func childOf(pid int) (int, error) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(children), " ")
	return strconv.Atoi(first)
}

// nodePath is where programs on a node find others: containerd must start the shim of its own version.
const nodePath = "/opt/node:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// enter are the arguments of nsenter that lead a program onto the node.
func (n *Node) enter(program string, args ...string) []string {
	return append([]string{"--target=" + strconv.Itoa(n.init), "--net", "--mount", "--pid", "--uts", "--ipc", "--", program}, args...)
}

// Command returns a command on the node, with the node's network, files and processes, and none of the test's environment.
func (n *Node) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, lookPath("nsenter"), n.enter(program, args...)...)
	command.Env = []string{"PATH=" + nodePath, "HOME=/root"}
	return command
}

// Enter is the command line of a shell on the node.
func (n *Node) Enter() string {
	return fmt.Sprintf("nsenter --target=%d --net --mount --pid --uts --ipc -- /usr/bin/env PATH=%s bash", n.init, nodePath)
}

// Run runs a program on the node and returns what it printed.
func (n *Node) Run(ctx context.Context, program string, args ...string) (string, error) {
	output, err := n.Command(ctx, program, args...).CombinedOutput()
	if err != nil {
		return string(output), fmt.Errorf("running %s %s on %s: %w: %s", program, strings.Join(args, " "), n.Name, err, output)
	}
	return string(output), nil
}

// Start starts a program on the node that runs until it is stopped, the node halts, or the cluster stops. A name may be used
// again when its program has ended.
func (n *Node) Start(name, program string, args ...string) (*Process, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if earlier := n.programs[name]; earlier != nil && earlier.running() {
		return nil, fmt.Errorf("starting %s on %s: it runs already", name, n.Name)
	}
	process, err := startProcess(n.log(name), name+" of "+n.Name, lookPath("nsenter"), []string{"PATH=" + nodePath, "HOME=/root"}, n.enter(program, args...)...)
	if err == nil {
		n.programs[name] = process
	}
	return process, err
}

// StartContainerd starts containerd and waits until it answers.
func (n *Node) StartContainerd(ctx context.Context) error {
	process, err := n.Start(Containerd, "/opt/node/containerd", "--config=/etc/containerd/config.toml")
	if err != nil {
		return err
	}
	return until(ctx, "containerd of "+n.Name+" answers", func(ctx context.Context) (bool, error) {
		if !process.running() {
			return false, fmt.Errorf("it has ended: %s", tail(process.Logs()))
		}
		_, err := n.Run(ctx, "/opt/node/ctr", "version")
		return err == nil, err
	})
}

// StartKubelet starts the kubelet and waits until it is healthy; the node is Ready some time later.
func (n *Node) StartKubelet(ctx context.Context) error {
	process, err := n.Start(Kubelet, "/opt/node/kubelet", "--config=/etc/kubernetes/kubelet.yaml", "--kubeconfig=/etc/kubernetes/kubelet.kubeconfig",
		"--hostname-override="+n.Name, "--node-ip="+nodeAddress(n.number).String())
	if err != nil {
		return err
	}
	return process.WaitHTTP(ctx, n.net.Client(), "http://127.0.0.1:10248/healthz")
}

// Kill kills a program of the node with everything that it started itself; pods survive the kubelet and containerd.
func (n *Node) Kill(name string) error {
	process := n.Process(name)
	if process == nil {
		return fmt.Errorf("killing %s on %s: it was never started", name, n.Name)
	}
	return process.Kill()
}

// Process returns a program of the node by the name under which it was last started, or nil.
func (n *Node) Process(name string) *Process {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.programs[name]
}

// Halt switches the node off: everything on it is killed, its pods too; what is in /run is lost. [Node.Boot] starts it again.
func (n *Node) Halt() error {
	if n.machine == nil {
		return nil
	}
	failed := []error{n.machine.Kill()}
	n.lock.Lock()
	defer n.lock.Unlock()
	for _, process := range n.programs {
		failed = append(failed, process.Kill())
	}
	return errors.Join(append(failed, n.removeCgroups())...)
}

// Reboot halts the node, boots it, and returns when its kubelet answers.
func (n *Node) Reboot(ctx context.Context) error {
	if err := n.Halt(); err != nil {
		return fmt.Errorf("halting %s: %w", n.Name, err)
	}
	return n.Boot(ctx)
}

func (n *Node) close() error {
	err := n.Halt()
	return errors.Join(err, n.net.Close())
}

// Root is the node's root folder as the test sees it: files are read and written below it, mounts are not seen.
func (n *Node) Root() string { return filepath.Join(n.dir, "root") }

// Address is the node's address.
func (n *Node) Address() string { return nodeAddress(n.number).String() }

// Namespace is the node's network namespace.
func (n *Node) Namespace() *Namespace { return n.net }

// Logs returns what a program of the node has printed: [Containerd], [Kubelet], [KubeProxy], or one started by [Node.Start].
func (n *Node) Logs(name string) string {
	text, err := os.ReadFile(n.log(name))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (n *Node) log(name string) string {
	return filepath.Join(n.dir, strings.ReplaceAll(name, "/", "-")+".log")
}

// waitReady waits until the node's Ready condition is true.
func (n *Node) waitReady(ctx context.Context) error {
	err := until(ctx, n.Name+" is Ready", func(ctx context.Context) (bool, error) {
		ready, err := n.Ready(ctx)
		if err == nil && !ready {
			err = errors.New("it is not")
		}
		return ready, err
	})
	if err != nil {
		return fmt.Errorf("%w; kubelet printed last: %s", err, tail(n.Logs(Kubelet)))
	}
	return nil
}

// Ready tells what the node's Ready condition says.
func (n *Node) Ready(ctx context.Context) (bool, error) {
	node := &corev1.Node{}
	if err := n.cluster.Client().Get(ctx, client.ObjectKey{Name: n.Name}, node); err != nil {
		return false, err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue, nil
		}
	}
	return false, nil
}

// lookPath returns the path of a program that every Linux has, else its name, with which starting it fails with a good error.
func lookPath(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return name
}
