package operatingsystemconfig

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// readSecret reads a Secret from the API server, as the Extension that names it.
func readSecret(ctx context.Context, live client.Reader, key client.ObjectKey) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	if err := live.Get(ctx, key, secret); err != nil {
		return nil, fmt.Errorf("reading the secret %s: %w", key, err)
	}
	return secret, nil
}

// item makes a Secret an item for the node function, under the name by which the config refers to it, and faults do.
func item(secret *corev1.Secret, namespace, name string) manifest.Object {
	immutable := secret.Immutable != nil && *secret.Immutable
	return input.SecretItem(input.Secret{Namespace: namespace, Name: name, Immutable: immutable, Data: secret.Data})
}
