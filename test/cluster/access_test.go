//go:build integration

package cluster_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestServiceAccount shows that a service account may do what RBAC allows it and nothing else.
func TestServiceAccount(t *testing.T) {
	ctx := deadline(t)
	meta := metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "reader"}
	for _, object := range []client.Object{
		&corev1.ServiceAccount{ObjectMeta: meta},
		&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list"}}}},
		&rbacv1.RoleBinding{
			ObjectMeta: meta,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: meta.Namespace, Name: meta.Name}},
		},
	} {
		if err := shared.Client().Create(ctx, object); err != nil {
			t.Fatal(err)
		}
	}
	path, err := shared.KubeconfigFor(ctx, meta.Namespace, meta.Name)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := client.New(config, client.Options{Scheme: cluster.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, func() error { // RBAC learns of the role a moment later
		return reader.List(ctx, &corev1.ConfigMapList{}, client.InNamespace(meta.Namespace))
	})
	if err := reader.List(ctx, &corev1.SecretList{}, client.InNamespace(meta.Namespace)); !apierrors.IsForbidden(err) {
		t.Errorf("listing Secrets without the right to: %v, want it forbidden", err)
	}
}
