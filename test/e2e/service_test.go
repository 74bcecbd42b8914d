//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/tool"
)

// TestService deletes the Service of a cache and makes it again with another address, and then gives it a third one at once.
func TestService(t *testing.T) {
	e := newEnv(t, options{})
	e.apply(e.render("hub.yaml"))
	e.awaitUse(e.node, "docker.io")
	cached := e.pushHub("library/app:1")
	e.pull(cached, e.node)
	before := e.identities()

	e.kubectl("delete", "service", "-n", "registry-cache", "registry-docker-io")
	unprepared := e.pull(e.pushHub("library/unprepared:1"), e.node)
	withdrawn := e.awaitDirect(e.node, "docker.io")
	e.t.Logf("Service deleted: a pull at once takes %s, withdrawn %s after that", rounded(unprepared), rounded(withdrawn))
	if unprepared > direct && len(e.waits(e.node)) == 0 {
		t.Error("containerd does not say that it waited for a dead address: then checkPulls proves nothing")
	}
	e.forgiveWaits("until the withdrawal")
	e.hub.Reset()
	if took := e.pull(e.pushHub("library/without:1"), e.node); took > direct {
		t.Errorf("a pull without the Service took %s", took)
	}
	e.expectDirect(e.hub)

	used := e.moveTo("10.96.0.50", "apply", "-f", "-")
	e.t.Logf("Service made again with another address: used after %s", rounded(used))
	e.expectCached(cached)

	used = e.moveTo("10.96.0.51", "replace", "--force", "-f", "-")
	e.t.Logf("Service moved to a third address: used after %s", rounded(used))
	e.expectCached(cached)
	if after := e.identities(); after != before {
		t.Errorf("StatefulSet, claim and pod were %s and are %s", before, after)
	}
}

// identities returns the uids of what must not be touched.
func (e *env) identities() string {
	e.t.Helper()
	var uids []string
	for name, object := range map[string]client.Object{
		"registry-docker-io":                &appsv1.StatefulSet{},
		"cache-volume-registry-docker-io-0": &corev1.PersistentVolumeClaim{},
		"registry-docker-io-0":              &corev1.Pod{},
	} {
		e.must(e.Client().Get(e.ctx, client.ObjectKey{Namespace: standaloneHub.namespace, Name: name}, object))
		uids = append(uids, name+"="+string(object.GetUID()))
	}
	return strings.Join(slices.Sorted(slices.Values(uids)), " ")
}

// moveTo makes the Service with an address by a command of kubectl's, and waits until the node uses it.
func (e *env) moveTo(address string, args ...string) time.Duration {
	e.t.Helper()
	service := strings.ReplaceAll(e.testdata("hub-service.yaml"), "ADDRESS", address)
	e.pipe(service, tool.Path(e.t, "kubectl"), args...)
	return e.eventually(time.Minute, "the node uses "+address, func() error {
		if hosts := e.hosts(e.node, "docker.io"); !strings.Contains(hosts, "http://"+address+":5000") {
			return fmt.Errorf("hosts.toml is %q", hosts)
		}
		return nil
	})
}

// expectCached fails unless an image comes from the cache, and fast.
func (e *env) expectCached(image string) {
	e.t.Helper()
	e.hub.Reset()
	before := e.metrics(standaloneHub)
	if took := e.pull(image, e.node); took > direct {
		e.t.Errorf("a pull of what is cached took %s", took)
	}
	e.expectHits(e.hub, before, e.metrics(standaloneHub))
}
