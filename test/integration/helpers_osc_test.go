//go:build integration

package integration

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/extension"
)

const (
	// oscName is that of the one worker pool.
	oscName = "gardener-node-agent-pool-0a1b2"

	guardUnit   = "configure-containerd-registries.service"
	guardScript = "/opt/bin/configure-containerd-registries.sh"
	bundleFile  = "/etc/containerd/certs.d/ca-bundle.pem"

	purposeReconcile = extensionsv1alpha1.OperatingSystemConfigPurposeReconcile
)

// awaitWebhooks waits until the extension has registered its webhooks at an address, with the authority that it has made for
// them: nothing of that is the test's.
func (e *env) awaitWebhooks(address string) {
	e.t.Helper()
	e.eventually(30*time.Second, func() error {
		var registered admissionregistrationv1.MutatingWebhookConfiguration
		if err := e.Client().Get(e.ctx, client.ObjectKey{Name: extension.Name}, &registered); err != nil {
			return err
		}
		var clients []admissionregistrationv1.WebhookClientConfig
		for _, webhook := range registered.Webhooks {
			clients = append(clients, webhook.ClientConfig)
		}
		return twoAt(address, clients)
	})
}

// twoAt returns an error unless the API server asks two webhooks at an address, and knows by what authority.
func twoAt(address string, clients []admissionregistrationv1.WebhookClientConfig) error {
	if len(clients) != 2 {
		return fmt.Errorf("%d webhooks are registered, want 2", len(clients))
	}
	for _, c := range clients {
		if c.URL == nil || !strings.HasPrefix(*c.URL, "https://"+address+"/webhooks/") || len(c.CABundle) == 0 {
			return fmt.Errorf("the webhook at %s is not at %s yet, or has no authority", ptr.Deref(c.URL, ""), address)
		}
	}
	return nil
}

// desiredOSC is what gardenlet writes for a pool, of which all must stay.
func desiredOSC() extensionsv1alpha1.OperatingSystemConfigSpec {
	permissions, enable, start := uint32(0o644), true, extensionsv1alpha1.CommandStart
	content := "[Unit]\nDescription=kubelet daemon\n"
	return extensionsv1alpha1.OperatingSystemConfigSpec{
		DefaultSpec: extensionsv1alpha1.DefaultSpec{Type: "local"},
		Purpose:     purposeReconcile,
		CRIConfig: &extensionsv1alpha1.CRIConfig{
			Name:       extensionsv1alpha1.CRINameContainerD,
			Containerd: &extensionsv1alpha1.ContainerdConfig{SandboxImage: "registry.k8s.io/pause:3.10"},
		},
		Files: []extensionsv1alpha1.File{{
			Path: "/var/lib/kubelet/config/kubelet", Permissions: &permissions,
			Content: extensionsv1alpha1.FileContent{Inline: &extensionsv1alpha1.FileContentInline{Encoding: "b64", Data: "a2luZDogS3ViZWxldENvbmZpZ3VyYXRpb24K"}},
		}},
		Units: []extensionsv1alpha1.Unit{{
			Name: "kubelet.service", Command: &start, Enable: &enable, Content: &content, FilePaths: []string{"/var/lib/kubelet/config/kubelet"},
		}},
	}
}

// applyOSC writes the OperatingSystemConfig of the pool as gardenlet does, and returns what the API server has made of it.
func (e *env) applyOSC(s *cluster.Shoot) *extensionsv1alpha1.OperatingSystemConfig {
	e.t.Helper()
	osc, err := s.ApplyOSC(e.ctx, oscName, purposeReconcile, desiredOSC())
	e.must(err)
	return osc
}

// awaitOSC applies the OperatingSystemConfig until a check of it gives no error: what the webhook and the API server know of
// Clusters and namespaces follows a moment later.
func (e *env) awaitOSC(s *cluster.Shoot, check func(*extensionsv1alpha1.OperatingSystemConfig) error) {
	e.t.Helper()
	e.eventually(15*time.Second, func() error {
		osc, err := s.ApplyOSC(e.ctx, oscName, purposeReconcile, desiredOSC())
		if err != nil {
			return err
		}
		return check(osc)
	})
}

// untouched returns an error unless an OperatingSystemConfig is what gardenlet wrote.
func untouched(osc *extensionsv1alpha1.OperatingSystemConfig) error {
	if diff := cmp.Diff(desiredOSC(), osc.Spec); diff != "" {
		return errors.New("the OperatingSystemConfig is not what gardenlet wrote (-want +got):\n" + diff)
	}
	return nil
}

// patched returns an error unless an OperatingSystemConfig has the guard.
func patched(osc *extensionsv1alpha1.OperatingSystemConfig) error {
	if len(guardArguments(osc)) == 0 {
		return errors.New("the OperatingSystemConfig has no guard")
	}
	return nil
}

// guardArguments are the words after the script in the guard's unit; nil if there is none.
func guardArguments(osc *extensionsv1alpha1.OperatingSystemConfig) []string {
	for _, unit := range osc.Spec.Units {
		if unit.Name != guardUnit || unit.Content == nil {
			continue
		}
		for line := range strings.Lines(*unit.Content) {
			if words, found := strings.CutPrefix(line, "ExecStart="+guardScript+" "); found {
				return strings.Fields(words)
			}
		}
	}
	return nil
}

// inlineFile returns the content of a file in an OperatingSystemConfig; "" if it is not there.
func (e *env) inlineFile(osc *extensionsv1alpha1.OperatingSystemConfig, path string) string {
	e.t.Helper()
	for _, file := range osc.Spec.Files {
		if file.Path != path || file.Content.Inline == nil {
			continue
		}
		if file.Content.Inline.Encoding == "" {
			return file.Content.Inline.Data
		}
		text, err := base64.StdEncoding.DecodeString(file.Content.Inline.Data)
		e.must(err)
		return string(text)
	}
	return ""
}

// expectGuard fails unless an OperatingSystemConfig has the guard for exactly these caches, each as
// "<upstream> <scheme> <name of the Service without registry-> <URL of the upstream>", with the CA bundle that the status
// names if one has TLS, and all else as gardenlet wrote it.
func (e *env) expectGuard(s *cluster.Shoot, osc *extensionsv1alpha1.OperatingSystemConfig, caches ...string) {
	e.t.Helper()
	var want []string
	found, bundle := e.shootObjects(), ""
	for _, cache := range caches {
		words := strings.Fields(cache)
		service := found.service(words[2])
		if service == nil {
			e.t.Fatalf("there is no Service of %s", words[2])
		}
		if words[1] == "https" {
			bundle = e.statusBundle(s)
		}
		want = append(want, fmt.Sprintf("%s,%s://%s:5000,%s", words[0], words[1], service.Spec.ClusterIP, words[3]))
	}
	if bundle != "" {
		want = append([]string{"--ca-file", bundleFile}, want...)
	}
	if got := guardArguments(osc); !slices.Equal(got, want) {
		e.t.Errorf("the guard has the arguments %q, want %q", got, want)
	}
	if got := e.inlineFile(osc, bundleFile); got != bundle {
		e.t.Errorf("the CA bundle is %q, want %q", got, bundle)
	}
	if !strings.HasPrefix(e.inlineFile(osc, guardScript), "#!") {
		e.t.Errorf("%s is not there", guardScript)
	}
	if err := untouched(withoutOurs(osc)); err != nil {
		e.t.Error(err)
	}
}

// statusBundle is the text of the CA bundle that the status names.
func (e *env) statusBundle(s *cluster.Shoot) string {
	e.t.Helper()
	status := e.status(s)
	secret := &corev1.Secret{}
	e.must(e.Client().Get(e.ctx, client.ObjectKey{Namespace: s.Namespace, Name: bundleOf(&status)}, secret))
	return string(secret.Data["bundle.crt"])
}

// withoutOurs takes out what the webhooks add.
func withoutOurs(osc *extensionsv1alpha1.OperatingSystemConfig) *extensionsv1alpha1.OperatingSystemConfig {
	osc = osc.DeepCopy()
	osc.Spec.Units = slices.DeleteFunc(osc.Spec.Units, func(u extensionsv1alpha1.Unit) bool { return u.Name == guardUnit })
	osc.Spec.Files = slices.DeleteFunc(osc.Spec.Files, func(f extensionsv1alpha1.File) bool {
		return f.Path == guardScript || strings.HasPrefix(f.Path, "/etc/containerd/certs.d/")
	})
	osc.Spec.CRIConfig.Containerd.Registries = nil
	return osc
}
