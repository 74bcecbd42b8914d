package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
)

// defaultServiceCIDR has room for 65,000 Services.
const defaultServiceCIDR = "10.96.0.0/16"

// startEtcd starts etcd without fsync: a test's data need not survive a power cut.
func (c *Cluster) startEtcd(ctx context.Context) error {
	process, err := c.StartProcess(Etcd, c.tools[Etcd], nil,
		"--data-dir="+c.dir+"/etcd",
		"--listen-client-urls=http://"+hostPort(c.ports.etcd),
		"--advertise-client-urls=http://"+hostPort(c.ports.etcd),
		"--listen-peer-urls=http://"+loopback+":0", // it has no peers
		"--unsafe-no-fsync",
		"--log-level=warn",
	)
	if err != nil {
		return err
	}
	return process.WaitHTTP(ctx, c.httpClient(), "http://"+hostPort(c.ports.etcd)+"/readyz")
}

// StartAPIServer starts the API server, after [Cluster.StopAPIServer], at the same address and on the same data, and
// returns when it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	process, err := c.StartProcess(APIServer, c.tools[APIServer], nil, c.apiServerArgs()...)
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return fmt.Errorf("making a client for the API server: %w", err)
	}
	return process.WaitHTTP(ctx, client, c.config.Host+"/readyz")
}

func (c *Cluster) apiServerArgs() []string {
	where := []string{
		"--bind-address=" + loopback,
		"--advertise-address=" + advertiseAddress(c.options.ServiceCIDR),
		"--endpoint-reconciler-type=none", // endpoints must not be loopback addresses
	}
	if c.options.Nodes > 0 {
		where = []string{"--bind-address=0.0.0.0", "--advertise-address=" + nodeAddress(0).String()}
	}
	return slices.Concat(where, []string{
		"--etcd-servers=http://" + hostPort(c.ports.etcd),
		fmt.Sprintf("--secure-port=%d", c.ports.apiServer),
		"--tls-cert-file=" + c.files.cert(),
		"--tls-private-key-file=" + c.files.key(),
		"--service-cluster-ip-range=" + c.options.ServiceCIDR,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.files.serviceAccountKey(),
		"--service-account-signing-key-file=" + c.files.serviceAccountKey(),
		"--token-auth-file=" + c.files.tokens(),
		"--authorization-mode=Node,RBAC",
		"--kubelet-preferred-address-types=InternalIP", // nobody resolves the names of nodes
		"--allow-privileged",                           // as for a seed and for a shoot
		"--profiling=false",
	}, c.options.APIServerArgs)
}

// advertiseAddress returns a loopback address of the family of the first service CIDR, because the API server demands that
// the two agree.
func advertiseAddress(serviceCIDR string) string {
	first, _, _ := strings.Cut(serviceCIDR, ",")
	if prefix, err := netip.ParsePrefix(first); err == nil && prefix.Addr().Is6() {
		return "::1"
	}
	return loopback
}

// StopAPIServer kills the API server and leaves the rest of the cluster running, which waits for it to come back. It is
// not asked to end, because then it waits a minute for its clients to give up their watches.
func (c *Cluster) StopAPIServer() error {
	return c.Process(APIServer).Kill()
}

// RestartAPIServer stops the API server and starts it again, which takes two seconds.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	if err := c.StopAPIServer(); err != nil {
		return err
	}
	return c.StartAPIServer(ctx)
}

// startControllerManager starts the controllers of Kubernetes. Without real nodes those that judge nodes are left out: a node of
// such a test has no kubelet, so its conditions are what the test writes. With them a dead node is noticed soon.
func (c *Cluster) startControllerManager() error {
	nodes := ",-node-lifecycle-controller"
	if c.options.Nodes > 0 {
		nodes = ""
	}
	_, err := c.StartProcess(ControllerManager, c.tools[ControllerManager], nil,
		"--kubeconfig="+c.files.kubeconfig(),
		"--kube-api-qps=1000", // by default it is ready only after 4 s
		"--kube-api-burst=2000",
		"--service-account-private-key-file="+c.files.serviceAccountKey(),
		"--root-ca-file="+c.files.cert(),
		"--controllers=*,-node-ipam-controller,-node-route-controller,-cloud-node-lifecycle-controller,-service-lb-controller"+nodes,
		"--node-monitor-period=2s",
		"--node-monitor-grace-period=16s",
		"--leader-elect=false",
		"--secure-port=0",
		"--profiling=false",
	)
	return err
}

// startScheduler starts the scheduler, which only a cluster with nodes needs.
func (c *Cluster) startScheduler() error {
	kubeconfig := filepath.Join(c.dir, "scheduler.kubeconfig")
	if err := c.writeKubeconfigOf(schedulerUser, kubeconfig); err != nil {
		return err
	}
	_, err := c.StartProcess(Scheduler, c.tools[Scheduler], nil,
		"--kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		"--leader-elect=false", "--secure-port=0", "--profiling=false")
	return err
}
