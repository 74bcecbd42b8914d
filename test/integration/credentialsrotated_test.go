//go:build integration

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestCredentialsRotated: another Secret under the same reference changes the Secret that the cache has mounted, and nothing else:
// no StatefulSet, and so no pod. The old credentials do not stay in the shoot, and config.yml has never had any.
func TestCredentialsRotated(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("rotated")
	e.must(s.PutSecret(e.ctx, "docker", credentials("docker-v1", map[string]string{"username": "old-user", "password": "old-word"})))
	e.reconcile(s, config(private("docker.io", "docker")))
	before := e.expectCaches("docker-io")
	e.must(e.mountsCredentials("old-user", "old-word"))

	moment := e.now()
	e.must(s.PutSecret(e.ctx, "docker", credentials("docker-v2", map[string]string{"username": "new-user", "password": "new-word"})))
	e.reconcile(s, config(private("docker.io", "docker")))
	e.eventually(30*time.Second, func() error { return e.mountsCredentials("new-user", "new-word") })
	e.expectKept(before, "docker-io")
	for _, c := range e.since(moment, &appsv1.StatefulSetList{}).of("StatefulSet registry-docker-io") {
		if c.object.GetGeneration() != before.statefulSet("docker-io").Generation {
			t.Errorf("the StatefulSet was changed, and its pods with it: generation %d", c.object.GetGeneration())
		}
	}
	for name, object := range e.shootObjects() {
		secret, isSecret := object.(*corev1.Secret)
		if !isSecret {
			continue
		}
		for key, value := range secret.Data {
			if old, anywhere := strings.Contains(string(value), "old-"), strings.Contains(string(value), "new-word"); old || anywhere && key != "password" {
				t.Errorf("%s has credentials in %s", name, key)
			}
		}
	}
}

// mountsCredentials returns an error unless the cache for docker.io has mounted a Secret with exactly these credentials.
func (e *env) mountsCredentials(username, password string) error {
	objects := e.shootObjects()
	name := secretVolume(objects.statefulSet("docker-io"), "credentials-volume")
	secret, _ := objects["Secret "+name].(*corev1.Secret)
	if secret == nil || name != "registry-docker-io-credentials" {
		return fmt.Errorf("there is no Secret %q with credentials", name)
	}
	if len(secret.Data) != 2 || string(secret.Data["username"]) != username || string(secret.Data["password"]) != password {
		return fmt.Errorf("the Secret %s has other credentials than those of %s", name, username)
	}
	return nil
}
