package livecluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
	"github.com/registry-cache/registry-cache/test/registries"
)

// Cluster is a running cluster with nodes that have the images of the cache and of the node helper.
type Cluster struct {
	*cluster.Cluster
	// Base is the lowest layer of every image that is run as a pod.
	Base v1.Layer
	// Clientset is for what [cluster.Cluster.Client] cannot do.
	Clientset *kubernetes.Clientset

	root, dir string
}

// Start starts a cluster with some nodes for the source in the folder root, whose programs have been built, and returns when all
// is ready, or with an error and nothing left. The context bounds the start only. Call [Cluster.Stop] in the end.
func Start(ctx context.Context, root string, nodes int) (*Cluster, error) {
	c := &Cluster{}
	if err := c.start(ctx, root, nodes); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, root string, nodes int) (err error) {
	if c.root, err = filepath.Abs(root); err != nil {
		return err
	}
	if c.dir, err = cluster.TempDir(); err != nil {
		return fmt.Errorf("making a folder for images: %w", err)
	}
	authority, err := registries.NewCA()
	if err != nil {
		return err
	}
	options := cluster.Options{Nodes: nodes, Authority: authority, WithoutResourceManager: true}
	if err := c.makeImages(ctx, &options); err != nil {
		return err
	}
	if c.Cluster, err = cluster.Start(ctx, options); err != nil {
		return fmt.Errorf("starting a cluster: %w", err)
	}
	c.Clientset, err = kubernetes.NewForConfig(c.RESTConfig())
	return err
}

// makeImages makes those that nodes have from the beginning.
func (c *Cluster) makeImages(ctx context.Context, options *cluster.Options) (err error) {
	set := nodeimages.Set{Root: c.root, Dir: c.dir, CA: options.Authority.PEM()}
	options.Archives, err = set.Write(ctx, nodeimages.Pause, nodeimages.CoreDNS, nodeimages.Cache, nodeimages.NodeHelper)
	if err != nil {
		return err
	}
	if options.PauseImage, err = nodeimages.Reference(nodeimages.Pause); err != nil {
		return err
	}
	if options.DNSImage, err = nodeimages.Reference(nodeimages.CoreDNS); err != nil {
		return err
	}
	c.Base, err = set.Base(ctx)
	return err
}

// Stop stops the cluster and removes all of it. It can be called again.
func (c *Cluster) Stop() error {
	var failed []error
	if c.Cluster != nil {
		failed = append(failed, c.Cluster.Stop())
	}
	if c.dir != "" {
		failed = append(failed, os.RemoveAll(c.dir))
	}
	return errors.Join(failed...)
}
