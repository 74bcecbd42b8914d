// Package nodeconfigurator renders the DaemonSet that configures containerd on the nodes of a plain cluster: it runs the guard
// with the caches' Services as endpoints, and has it write the mirrors. Its manifests are in bases/node.
package nodeconfigurator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/guard"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/shape"
)

// The names by which the parts are found; bases/node uses the same.
const (
	container     = "guard"
	volumeScripts = "scripts"
	volumeMirrors = "mirrors"
	volumeCA      = "ca"
	// caDirectory is where the container has the CA bundles.
	caDirectory = "/etc/registry-cache/ca"
	bundleKey   = "ca-bundle.pem"
)

// Values are what differs from config to config.
type Values struct {
	// Name is that of the objects. It also marks the files that this configurator writes on a node as its own.
	Name string
	// Namespace is where the objects live; "" is the platform's.
	Namespace string
	// Image has a shell, and curl or wget; "" is the default.
	Image string
	// Registries are the caches.
	Registries []guard.Registry
	// CABundle verifies their certificates, and so do the ca.crt entries of the Secrets named by CASecrets.
	CABundle  []byte
	CASecrets []string
	// Mirrors are the folders for containerd's config_path.
	Mirrors []Mirror
}

// Mirror is the configuration of one upstream.
type Mirror struct {
	// Upstream is the folder's name, host[:port].
	Upstream string
	// Files are its files by their names.
	Files []File
}

// File is a file of a mirror.
type File struct {
	Name    string
	Content string
}

// Render returns the objects for platform standalone.
func Render(v Values) ([]manifest.Object, error) {
	objects, err := shape.Get(shape.NewKey("node", string(v1alpha1.PlatformStandalone)))
	if err != nil {
		return nil, err
	}
	var daemonSet, configMap manifest.Object
	for _, o := range objects {
		switch o.Kind() {
		case "DaemonSet":
			daemonSet = o
		case "ConfigMap":
			configMap = o
		}
	}
	if daemonSet == nil || configMap == nil || len(objects) != 2 {
		return nil, errors.New("the shape of the node configurator must have a DaemonSet and a ConfigMap")
	}
	f := &filling{Values: v, daemonSet: daemonSet, configMap: configMap}
	if err := f.fill(); err != nil {
		return nil, fmt.Errorf("filling in the node configurator %q: %w", v.Name, err)
	}
	return objects, nil
}

// filling is the node configurator on its way from the shape to a config's own objects.
type filling struct {
	Values
	daemonSet, configMap manifest.Object
}

func (f *filling) fill() error {
	f.identify()
	pod := manifest.Map(f.daemonSet, "spec", "template", "spec")
	run := manifest.Named(pod["containers"], container)
	scripts := manifest.Map(manifest.Named(pod["volumes"], volumeScripts), "configMap")
	ca := manifest.Map(manifest.Named(pod["volumes"], volumeCA), "projected")
	mirrors := manifest.Map(manifest.Named(pod["volumes"], volumeMirrors), "projected")
	if run == nil || scripts == nil || ca == nil || mirrors == nil {
		return errors.New("the DaemonSet must have the container guard and the volumes scripts, ca and mirrors")
	}
	if f.Image != "" {
		run["image"] = f.Image
	}
	scripts["name"] = f.Name
	caFile := f.fillCA(ca)
	arguments, err := guard.Arguments(f.Registries, caFile)
	if err != nil {
		return err
	}
	delete(run, "args")
	if len(arguments) > 0 { // a configurator of mirrors has none
		run["args"] = anyList(arguments)
	}
	f.fillMirrors(mirrors)
	// Pods start anew when the content of the ConfigMap changes, whose name does not.
	manifest.Ensure(f.daemonSet, "spec", "template", "metadata", "annotations")[v1alpha1.GroupName+"/scripts-hash"] = hash(f.configMap["data"])
	return nil
}

// identify gives the objects their name, which is also the label that selects the pods.
func (f *filling) identify() {
	for _, o := range []manifest.Object{f.daemonSet, f.configMap} {
		o.SetName(f.Name)
		o.SetLabel("app", f.Name)
		if f.Namespace != "" {
			o.SetNamespace(f.Namespace)
		}
	}
	manifest.Ensure(f.daemonSet, "spec", "selector", "matchLabels")["app"] = f.Name
	manifest.Ensure(f.daemonSet, "spec", "template", "metadata", "labels")["app"] = f.Name
}

// fillCA mounts the CA bundles, and returns the folder for the guard, "" if there are none. A Secret may be missing, or have
// no ca.crt yet: the guard waits for it.
func (f *filling) fillCA(volume map[string]any) string {
	var sources []any
	if f.CABundle != nil {
		manifest.Ensure(f.configMap, "data")[bundleKey] = string(f.CABundle)
		sources = append(sources, f.fromConfigMap(map[string]any{"key": bundleKey, "path": bundleKey}))
	}
	for _, name := range f.CASecrets {
		sources = append(sources, map[string]any{"secret": map[string]any{
			"name": name, "optional": true, "items": []any{map[string]any{"key": "ca.crt", "path": name + ".crt"}},
		}})
	}
	if len(sources) == 0 {
		return ""
	}
	volume["sources"] = sources
	return caDirectory
}

// fillMirrors puts the mirrors' files into the ConfigMap, whose keys may have no slash or colon, and has them mounted under
// their own names.
func (f *filling) fillMirrors(volume map[string]any) {
	var items []any
	data := manifest.Ensure(f.configMap, "data")
	for i, mirror := range f.Mirrors {
		for _, file := range mirror.Files {
			key := "mirror-" + strconv.Itoa(i) + "." + file.Name
			data[key] = file.Content
			items = append(items, map[string]any{"key": key, "path": mirror.Upstream + "/" + file.Name})
		}
	}
	if len(items) > 0 {
		volume["sources"] = []any{f.fromConfigMap(items...)}
	}
}

func (f *filling) fromConfigMap(items ...any) map[string]any {
	return map[string]any{"configMap": map[string]any{"name": f.Name, "items": slices.Clone(items)}}
}

func hash(data any) string {
	text, _ := json.Marshal(data) // a map of strings always encodes, with sorted keys
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:8]
}

func anyList(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}
