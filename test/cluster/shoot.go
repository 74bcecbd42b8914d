package cluster

import (
	"context"
	_ "embed"
	"fmt"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/gardener/gardener/pkg/extensions"
	"github.com/gardener/gardener/pkg/utils/secrets"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

var (
	//go:embed shoot/shoot.yaml
	shootYAML []byte
	//go:embed shoot/seed.yaml
	seedYAML []byte
	//go:embed shoot/cloudprofile.yaml
	cloudProfileYAML []byte
)

// Project is the name of the project that all Shoots are in.
const Project = "test"

// Shoot is a shoot as its seed sees it: a namespace, a Cluster object and a kubeconfig. Its methods do what gardenlet does;
// they are not for concurrent use.
type Shoot struct {
	// Name is the Shoot's name.
	Name string
	// Namespace is the shoot's namespace in the seed: shoot--test--<name>.
	Namespace string

	client       client.Client // of the seed
	object       *gardencorev1beta1.Shoot
	seed         *gardencorev1beta1.Seed
	cloudProfile *gardencorev1beta1.CloudProfile
}

// NewShoot creates a shoot whose API server is the cluster's own: its namespace, labelled for both extension types, the
// Cluster object, and the Secret "gardener" with a kubeconfig of the administrator. Each change is made to the Shoot before
// it is written. [Shoot.Delete] removes it again.
func (c *Cluster) NewShoot(ctx context.Context, name string, changes ...func(*gardencorev1beta1.Shoot)) (*Shoot, error) {
	s, err := c.shoot(name)
	if err != nil {
		return nil, err
	}
	if err := s.createNamespace(ctx); err != nil {
		return nil, err
	}
	if err := s.createKubeconfig(ctx, c); err != nil {
		return nil, err
	}
	for _, change := range changes {
		change(s.object)
	}
	return s, s.sync(ctx)
}

// shoot returns a Shoot that exists in memory only.
func (c *Cluster) shoot(name string) (*Shoot, error) {
	s := &Shoot{
		Name:         name,
		Namespace:    "shoot--" + Project + "--" + name,
		client:       c.client,
		object:       &gardencorev1beta1.Shoot{},
		seed:         &gardencorev1beta1.Seed{},
		cloudProfile: &gardencorev1beta1.CloudProfile{},
	}
	for object, text := range map[client.Object][]byte{s.object: shootYAML, s.seed: seedYAML, s.cloudProfile: cloudProfileYAML} {
		if err := yaml.UnmarshalStrict(text, object); err != nil {
			return nil, fmt.Errorf("reading the %T of a shoot: %w", object, err)
		}
	}
	s.object.Name, s.object.Namespace = name, v1beta1constants.GardenNamespace+"-"+Project
	s.object.UID = uuid.NewUUID()
	s.object.CreationTimestamp = metav1.Now()
	s.object.Status.TechnicalID, s.object.Status.UID = s.Namespace, s.object.UID
	return s, nil
}

// createNamespace creates the shoot's namespace with the labels by which Gardener's webhooks select it.
func (s *Shoot) createNamespace(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:        s.Namespace,
		Annotations: map[string]string{v1beta1constants.ShootUID: string(s.object.UID)},
		Labels: map[string]string{
			v1beta1constants.GardenRole:                               v1beta1constants.GardenRoleShoot,
			v1beta1constants.LabelSeedProvider:                        s.seed.Spec.Provider.Type,
			v1beta1constants.LabelShootProvider:                       s.object.Spec.Provider.Type,
			v1beta1constants.LabelNetworkingProvider:                  *s.object.Spec.Networking.Type,
			v1beta1constants.LabelExtensionPrefix + "registry-cache":  "true",
			v1beta1constants.LabelExtensionPrefix + "registry-mirror": "true",
		},
	}}
	if err := s.client.Create(ctx, namespace); err != nil {
		return fmt.Errorf("creating the namespace of shoot %s: %w", s.Name, err)
	}
	return nil
}

// createKubeconfig writes the Secret with which gardener's extension library reaches the shoot.
func (s *Shoot) createKubeconfig(ctx context.Context, target *Cluster) error {
	text, err := clientcmd.Write(kubeconfig(target.podConfig()))
	if err != nil {
		return fmt.Errorf("writing the kubeconfig of shoot %s: %w", s.Name, err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: v1beta1constants.SecretNameGardener},
		Data:       map[string][]byte{secrets.DataKeyKubeconfig: text},
	}
	if err := s.client.Create(ctx, secret); err != nil {
		return fmt.Errorf("creating the kubeconfig Secret of shoot %s: %w", s.Name, err)
	}
	return nil
}

// Object returns a copy of the Shoot as it is in the Cluster object.
func (s *Shoot) Object() *gardencorev1beta1.Shoot {
	return s.object.DeepCopy()
}

// Update changes the Shoot and writes it into the Cluster object. Changes of the spec raise its generation.
func (s *Shoot) Update(ctx context.Context, change func(*gardencorev1beta1.Shoot)) error {
	change(s.object)
	s.object.Generation++
	return s.sync(ctx)
}

func (s *Shoot) sync(ctx context.Context) error {
	if err := extensions.SyncClusterResourceToSeed(ctx, s.client, s.Namespace, s.object, s.cloudProfile, s.seed); err != nil {
		return fmt.Errorf("writing the Cluster of shoot %s: %w", s.Name, err)
	}
	return nil
}

// Delete removes the Cluster object and the shoot's namespace. Kubernetes takes five seconds and more for the latter,
// which are not waited for. What an extension has to remove first keeps it from that: it is an error if there are
// Extensions or ManagedResources left.
func (s *Shoot) Delete(ctx context.Context) error {
	for _, list := range []client.ObjectList{&extensionsv1alpha1.ExtensionList{}, &resourcesv1alpha1.ManagedResourceList{}} {
		if err := s.client.List(ctx, list, client.InNamespace(s.Namespace)); err != nil {
			return fmt.Errorf("looking for what is left of shoot %s: %w", s.Name, err)
		}
		if count := meta.LenList(list); count > 0 {
			return fmt.Errorf("deleting shoot %s: %d objects are left in a %T", s.Name, count, list)
		}
	}
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}},
		&extensionsv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}},
	} {
		if err := s.client.Delete(ctx, object); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting the %T of shoot %s: %w", object, s.Name, err)
		}
	}
	return nil
}
