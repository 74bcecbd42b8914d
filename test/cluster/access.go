package cluster

import (
	"context"
	"fmt"
	"path/filepath"

	gardencoreinstall "github.com/gardener/gardener/pkg/apis/core/install"
	"github.com/gardener/gardener/pkg/client/kubernetes"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Scheme has the kinds of Kubernetes, all that gardener uses in a seed (its extensions and resources, the Prometheus
// operator, the vertical pod autoscaler) and gardener's core, in v1beta1 and internally.
var Scheme = newScheme()

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(kubernetes.AddSeedSchemeToScheme(scheme))
	utilruntime.Must(gardencoreinstall.AddToScheme(scheme))
	return scheme
}

// RESTConfig returns how the administrator reaches the API server; it is a copy.
func (c *Cluster) RESTConfig() *rest.Config {
	return rest.CopyConfig(c.config)
}

// Client returns the administrator's client, with [Scheme] and without a cache.
func (c *Cluster) Client() client.Client {
	return c.client
}

// Kubeconfig returns the path of the administrator's kubeconfig.
func (c *Cluster) Kubeconfig() string {
	return c.files.kubeconfig()
}

// ConfigFor returns how a service account reaches the API server, which must exist: with a token of its own for an hour and
// exactly the rights that RBAC gives it.
func (c *Cluster) ConfigFor(ctx context.Context, namespace, name string) (*rest.Config, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	token := &authenticationv1.TokenRequest{}
	if err := c.client.SubResource("token").Create(ctx, account, token); err != nil {
		return nil, fmt.Errorf("requesting a token for the service account %s/%s: %w", namespace, name, err)
	}
	config := rest.AnonymousClientConfig(c.config)
	config.BearerToken = token.Status.Token
	return config, nil
}

// KubeconfigFor writes a kubeconfig for a service account, as [Cluster.ConfigFor], and returns its path.
func (c *Cluster) KubeconfigFor(ctx context.Context, namespace, name string) (string, error) {
	config, err := c.ConfigFor(ctx, namespace, name)
	if err != nil {
		return "", err
	}
	c.lock.Lock()
	c.tokens++
	file := filepath.Join(c.dir, fmt.Sprintf("%s-%s-%d.kubeconfig", namespace, name, c.tokens))
	c.lock.Unlock()
	return file, writeKubeconfig(config, file)
}
