package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
)

// The users that are programs; the API server gives them their rights by itself.
const (
	schedulerUser = "system:kube-scheduler"
	proxyUser     = "system:kube-proxy"
)

// prepareComponents makes tokens for the scheduler and for nodes, and returns their lines in the API server's file.
func (c *Cluster) prepareComponents() string {
	c.users = map[string]string{schedulerUser: rand.Text(), proxyUser: rand.Text()}
	var lines strings.Builder
	for user, token := range c.users {
		fmt.Fprintf(&lines, "%s,%s,%s\n", token, user, user)
	}
	for number := range maxNodes {
		user := "system:node:" + nodeName(number)
		c.users[user] = rand.Text()
		fmt.Fprintf(&lines, "%s,%s,%s,%q\n", c.users[user], user, user, "system:nodes")
	}
	return lines.String()
}

// writeKubeconfigOf writes a kubeconfig of a program with a token of its own, for use on nodes.
func (c *Cluster) writeKubeconfigOf(user, file string) error {
	config := rest.AnonymousClientConfig(c.podConfig())
	config.BearerToken = c.users[user]
	return writeKubeconfig(config, file)
}

// podConfig is how the administrator reaches the API server from a node or a pod; without nodes it is that of the test.
func (c *Cluster) podConfig() *rest.Config {
	config := rest.CopyConfig(c.config)
	if c.options.Nodes > 0 {
		config.Host = fmt.Sprintf("https://%s:%d", nodeAddress(0), c.ports.apiServer)
	}
	return config
}

// httpClient asks from where the control plane listens.
func (c *Cluster) httpClient() *http.Client {
	if c.options.Nodes > 0 {
		return c.nodes[0].net.Client()
	}
	return http.DefaultClient
}

// sharedDir is seen by all nodes under the same path.
func (c *Cluster) sharedDir() string { return filepath.Join(c.dir, "shared") }

// Internet returns what the cluster's nodes take for it; nil without nodes.
func (c *Cluster) Internet() *Internet { return c.internet }

// Nodes returns the nodes of the cluster.
func (c *Cluster) Nodes() []*Node { return append([]*Node{}, c.nodes...) }

// prepareNodes makes the network, in which the control plane is going to listen on the first node.
func (c *Cluster) prepareNodes() (err error) {
	if c.options.Nodes == 0 {
		return nil
	}
	if err := errors.Join(needs(), Sweep()); err != nil {
		return err
	}
	if err := os.MkdirAll(c.sharedDir(), 0o755); err != nil {
		return fmt.Errorf("making the folder that nodes share: %w", err)
	}
	if c.internet, err = newInternet(c.dir, c.options.Authority); err != nil {
		return fmt.Errorf("making the internet: %w", err)
	}
	for number := range c.options.Nodes {
		if _, err := c.newNode(number); err != nil {
			return err
		}
	}
	c.forwarder, err = newForwarder(c.ports.apiServer, c.nodes[0].net)
	return err
}

// bootNodes boots all nodes up to containerd while the control plane starts. The channel gets one error or nil.
func (c *Cluster) bootNodes(ctx context.Context) <-chan error {
	var group errgroup.Group
	for _, node := range c.nodes {
		group.Go(func() error { return node.bootContainerd(ctx) })
	}
	result := make(chan error, 1)
	go func() { result <- group.Wait() }()
	return result
}

// joinNodes starts what needs the API server, and returns when all nodes are Ready and names are resolved.
func (c *Cluster) joinNodes(ctx context.Context) error {
	if c.options.Nodes == 0 {
		return nil
	}
	if err := c.startScheduler(); err != nil {
		return err
	}
	if err := errors.Join(c.createVolumes(ctx), c.createDNS(ctx)); err != nil {
		return err
	}
	for _, node := range c.nodes {
		if err := node.join(ctx); err != nil {
			return err
		}
	}
	for _, node := range c.nodes {
		if err := node.waitReady(ctx); err != nil {
			return err
		}
	}
	return c.waitForDNS(ctx)
}

func (c *Cluster) closeNodes() error {
	var failed []error
	for _, node := range c.nodes {
		failed = append(failed, node.close())
	}
	if c.forwarder != nil {
		failed = append(failed, c.forwarder.close())
	}
	if c.internet != nil {
		failed = append(failed, c.internet.close())
	}
	c.nodes, c.forwarder, c.internet = nil, nil, nil
	return errors.Join(failed...)
}
