package operatingsystemconfig_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// memory is a reader that does what an informer's cache does: it copies. The fake client would encode and decode, and the API
// server answers in its own time; neither is a part of the webhook.
type memory struct {
	client.Reader
	cluster   extensionsv1alpha1.Cluster
	extension extensionsv1alpha1.Extension
	secret    corev1.Secret
}

func (m *memory) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	switch o := into.(type) {
	case *extensionsv1alpha1.Cluster:
		m.cluster.DeepCopyInto(o)
	case *extensionsv1alpha1.Extension:
		m.extension.DeepCopyInto(o)
	case *corev1.Secret:
		m.secret.DeepCopyInto(o)
	default:
		return fmt.Errorf("reading %T %s", into, key)
	}
	return nil
}

type cachedMemory struct {
	client.Client
	*memory
}

func (m cachedMemory) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	return m.memory.Get(ctx, key, into, options...)
}

// fiveCaches is a seed with five caches with TLS, a CA bundle of a rotation, a Shoot of 25 KiB and a CloudProfile of 500 KiB.
func fiveCaches(b *testing.B) *memory {
	b.Helper()
	status := v1alpha3.RegistryStatus{CASecretName: new(caSecret)}
	status.APIVersion, status.Kind = v1alpha3.GroupName+"/v1alpha3", "RegistryStatus"
	for i, upstream := range []string{"docker.io", "europe-docker.pkg.dev", "ghcr.io", "quay.io", "registry.k8s.io"} {
		status.Caches = append(status.Caches, v1alpha3.RegistryCacheStatus{
			Upstream: upstream, Endpoint: fmt.Sprintf("https://10.4.0.%d:5000", 10+i), RemoteURL: "https://" + upstream,
		})
	}
	raw := mustJSON(b, status)
	s := load(b, "cache-tls")
	m := &memory{
		extension: extensionsv1alpha1.Extension{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: cacheName}},
		secret:    *object[*corev1.Secret](b, s, caSecret),
	}
	m.extension.Status.ProviderStatus = &kruntime.RawExtension{Raw: raw}
	ca := m.secret.Data["bundle.crt"]
	m.secret.Data["bundle.crt"] = slices.Concat(ca, ca)
	m.cluster.Spec.CloudProfile.Raw = bytes.Repeat([]byte{' '}, 500<<10)
	m.cluster.Spec.Shoot.Raw = mustJSON(b, largeShoot())
	return m
}

func largeShoot() map[string]any {
	var workers []any
	for i := range 20 {
		workers = append(workers, map[string]any{
			"name": fmt.Sprintf("worker-%d", i), "minimum": 1, "maximum": 10, "cri": map[string]any{"name": "containerd"},
			"machine":     map[string]any{"type": "n1-standard-8", "image": map[string]any{"name": "gardenlinux", "version": "1592.9.0"}, "architecture": "amd64"},
			"annotations": map[string]any{"a": strings.Repeat("x", 800)}, "zones": []any{"a", "b", "c"},
		})
	}
	return map[string]any{
		"apiVersion": "core.gardener.cloud/v1beta1", "kind": "Shoot", "metadata": map[string]any{"name": "bar", "namespace": "garden-foo"},
		"spec": map[string]any{
			"hibernation": map[string]any{"enabled": false}, "provider": map[string]any{"type": "gcp", "workers": workers},
			"extensions": []any{map[string]any{"type": cacheName}},
		},
	}
}

// realistic is an OperatingSystemConfig as large as gardenlet's: 60 files with 300 KiB together, and 15 units.
func realistic(b *testing.B) []byte {
	b.Helper()
	var files, units []any
	for i := range 60 {
		files = append(files, map[string]any{
			"path": fmt.Sprintf("/var/lib/file-%d", i), "permissions": 420,
			"content": map[string]any{"inline": map[string]any{
				"encoding": "b64", "data": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(i), 'x', 'y'}, 1280)),
			}},
		})
	}
	for i := range 15 {
		units = append(units, map[string]any{
			"name": fmt.Sprintf("unit-%d.service", i), "command": "start", "enable": true,
			"content": "[Unit]\nDescription=a unit\n\n[Service]\n" + strings.Repeat("ExecStartPre=/bin/true \"$A\"\n", 30), "filePaths": []any{"/var/lib/file-1"},
		})
	}
	return mustJSON(b, map[string]any{
		"apiVersion": "extensions.gardener.cloud/v1alpha1", "kind": "OperatingSystemConfig",
		"metadata": map[string]any{"name": "pool", "namespace": namespace, "annotations": map[string]any{"gardener.cloud/operation": "reconcile"}},
		"spec": map[string]any{
			"type": "gardenlinux", "purpose": "reconcile", "files": files, "units": units,
			"criConfig": map[string]any{"name": "containerd", "containerd": map[string]any{"sandboxImage": "registry.k8s.io/pause:3.10"}},
		},
	})
}

func mustJSON(b *testing.B, value any) []byte {
	b.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// BenchmarkHandler measures a webhook from request to answer: what gardenlet wrote anew, and what the webhook has patched
// already. The aim is a p99 of 5 ms. Of each there is the time by the clock, and that of the CPU, which is what a machine
// with other work to do can tell.
func BenchmarkHandler(b *testing.B) {
	m := fiveCaches(b)
	w := webhook(b, fakeManager{cached: cachedMemory{memory: m}, live: m}, cacheName).Webhook
	fresh := realistic(b)
	patched := apply(b, w.Handle(b.Context(), request(fresh)), fresh)
	for name, osc := range map[string][]byte{"fresh": fresh, "patched": patched} {
		b.Run(name, func(b *testing.B) {
			runtime.LockOSThread() // the CPU's clock is that of a thread
			defer runtime.UnlockOSThread()
			var clock, cpu []time.Duration
			b.ReportAllocs()
			b.SetBytes(int64(len(osc)))
			for b.Loop() {
				start, startCPU := time.Now(), cpuTime(b)
				response := w.Handle(b.Context(), request(osc))
				clock, cpu = append(clock, time.Since(start)), append(cpu, cpuTime(b)-startCPU)
				if !response.Allowed || (len(response.Patch) == 0) != (name == "patched") {
					b.Fatal(response.Result, len(response.Patch))
				}
			}
			for unit, durations := range map[string][]time.Duration{"ms": clock, "cpu-ms": cpu} {
				slices.Sort(durations)
				b.ReportMetric(percentile(durations, 50), "p50-"+unit)
				b.ReportMetric(percentile(durations, 99), "p99-"+unit)
			}
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		b.Fatal(err)
	}
	return time.Duration(now.Nano())
}

// percentile returns one of sorted durations in milliseconds.
func percentile(sorted []time.Duration, percent int) float64 {
	return float64(sorted[(len(sorted)-1)*percent/100].Microseconds()) / 1000
}
