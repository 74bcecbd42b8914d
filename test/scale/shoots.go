package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/gardener/gardener/pkg/utils/secrets"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/test/cluster"
)

var (
	// shootYAML is laid over package cluster's Shoot, to give it the size of a real one.
	//
	//go:embed testdata/shoot.yaml
	shootYAML []byte
	// cloudProfileYAML has one version of each thing, of which a real one has many.
	//
	//go:embed testdata/cloudprofile.yaml
	cloudProfileYAML []byte
	// caBundleYAML is the Secret that gardenlet makes for the shoot's API server, without its data.
	//
	//go:embed testdata/cabundle.yaml
	caBundleYAML []byte
)

const (
	// seedPrefix comes before a shoot's name in its namespace in the seed.
	seedPrefix = "shoot--" + cluster.Project + "--"
	// cloudProfileSize is about what the CloudProfiles of the large providers have, in bytes of JSON.
	cloudProfileSize = 48 << 10
	// parallel is how many shoots are created, or asked to be reconciled, at once.
	parallel = 8
)

// shoot is one shoot with its played API server.
type shoot struct {
	*cluster.Shoot
	server *shootServer
}

// createShoots creates all shoots.
func (w *world) createShoots(ctx context.Context) error {
	profile, err := largeCloudProfile()
	if err != nil {
		return err
	}
	target, err := url.Parse(w.RESTConfig().Host)
	if err != nil {
		return fmt.Errorf("reading the API server's address: %w", err)
	}
	transport, err := rest.TransportFor(w.RESTConfig())
	if err != nil {
		return fmt.Errorf("making a connection for the shoots' API servers: %w", err)
	}
	w.shoots = make([]*shoot, w.options.shoots)
	sizes := make([]int, w.options.shoots)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range w.shoots {
		group.Go(func() (err error) {
			name := fmt.Sprintf("%04d", i)
			if w.shoots[i], err = w.createShoot(ctx, name, target, transport); err == nil {
				sizes[i], err = w.enlargeCluster(ctx, w.shoots[i], profile)
			}
			return err
		})
	}
	err = group.Wait()
	for _, size := range sizes {
		w.clusterBytes += size
	}
	return err
}

func (w *world) createShoot(ctx context.Context, name string, target *url.URL, transport http.RoundTripper) (*shoot, error) {
	namespace := &corev1.Namespace{}
	namespace.Name = shootNamespace(name)
	if err := w.Client().Create(ctx, namespace); err != nil {
		return nil, fmt.Errorf("creating kube-system of shoot %s: %w", name, err)
	}
	var unreadable error
	created, err := w.NewShoot(ctx, name, func(shoot *gardencorev1beta1.Shoot) {
		unreadable = yaml.UnmarshalStrict(shootYAML, shoot)
	})
	if err != nil || unreadable != nil {
		return nil, fmt.Errorf("creating shoot %s: %w", name, firstError(unreadable, err))
	}
	s := &shoot{Shoot: created}
	if s.server, err = newShootServer(namespace.Name, target, transport, w.requests); err != nil {
		return nil, err
	}
	return s, firstError(w.useServer(ctx, s), w.createCABundle(ctx, s))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// useServer makes the kubeconfig of a shoot lead to the played API server.
func (w *world) useServer(ctx context.Context, s *shoot) error {
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: s.Namespace, Name: v1beta1constants.SecretNameGardener}
	if err := w.Client().Get(ctx, key, secret); err != nil {
		return fmt.Errorf("reading the kubeconfig of shoot %s: %w", s.Name, err)
	}
	config, err := clientcmd.Load(secret.Data[secrets.DataKeyKubeconfig])
	if err != nil {
		return fmt.Errorf("decoding the kubeconfig of shoot %s: %w", s.Name, err)
	}
	for _, c := range config.Clusters {
		c.Server, c.CertificateAuthorityData = s.server.address, s.server.ca
	}
	if secret.Data[secrets.DataKeyKubeconfig], err = clientcmd.Write(*config); err != nil {
		return fmt.Errorf("encoding the kubeconfig of shoot %s: %w", s.Name, err)
	}
	if err := w.Client().Update(ctx, secret); err != nil {
		return fmt.Errorf("writing the kubeconfig of shoot %s: %w", s.Name, err)
	}
	return nil
}

// createCABundle creates the Secret without which the extension does not monitor.
func (w *world) createCABundle(ctx context.Context, s *shoot) error {
	secret := &corev1.Secret{}
	if err := yaml.UnmarshalStrict(caBundleYAML, secret); err != nil {
		return fmt.Errorf("decoding the CA bundle: %w", err)
	}
	secret.Namespace = s.Namespace
	if err := w.Client().Create(ctx, secret); err != nil {
		return fmt.Errorf("creating the CA bundle of shoot %s: %w", s.Name, err)
	}
	return nil
}

// enlargeCluster gives the Cluster of a shoot a CloudProfile and returns its size in the API server.
func (w *world) enlargeCluster(ctx context.Context, s *shoot, profile []byte) (int, error) {
	object := &extensionsv1alpha1.Cluster{}
	if err := w.Client().Get(ctx, client.ObjectKey{Name: s.Namespace}, object); err != nil {
		return 0, fmt.Errorf("reading the Cluster of shoot %s: %w", s.Name, err)
	}
	object.Spec.CloudProfile.Raw = profile
	if err := w.Client().Update(ctx, object); err != nil {
		return 0, fmt.Errorf("writing the Cluster of shoot %s: %w", s.Name, err)
	}
	text, err := json.Marshal(object)
	return len(text), err
}

// largeCloudProfile repeats what the file has once until it is as large as a real one.
func largeCloudProfile() ([]byte, error) {
	profile := &gardencorev1beta1.CloudProfile{}
	if err := yaml.UnmarshalStrict(cloudProfileYAML, profile); err != nil {
		return nil, fmt.Errorf("decoding the CloudProfile: %w", err)
	}
	machine, version := profile.Spec.MachineTypes[0], profile.Spec.MachineImages[0].Versions[0]
	for i := 0; ; i++ {
		text, err := json.Marshal(profile)
		if err != nil || len(text) >= cloudProfileSize {
			return text, err
		}
		machine.Name = fmt.Sprintf("m%d.xlarge", i)
		version.Version = fmt.Sprintf("1877.%d.0", i)
		profile.Spec.MachineTypes = append(profile.Spec.MachineTypes, machine)
		profile.Spec.MachineImages[0].Versions = append(profile.Spec.MachineImages[0].Versions, version)
	}
}
