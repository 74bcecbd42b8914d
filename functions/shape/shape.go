// Package shape builds the kustomizations of bases, overlays and scripts in-process. A shape is what kustomize makes of
// some resources and Components; callers copy it and fill in the values of one cache.
//
// A kustomize build takes milliseconds and changes process-global state, so shapes are built once per distinct set of
// Components and kept.
package shape

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/bases"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/overlays"
	"github.com/registry-cache/registry-cache/scripts"
)

// Key names a shape by what it is built of.
type Key struct {
	// Base is a folder of bases: "cache", "common", "cleaner", "node" or "monitoring".
	Base string
	// Components are folders of overlays/components in the order of their use, joined by commas; a string, so that a Key
	// can be compared.
	Components string
}

// NewKey returns the key of a base with Components on it, the platform's last.
func NewKey(base string, components ...string) Key {
	return Key{Base: base, Components: strings.Join(components, ",")}
}

var (
	mu    sync.Mutex
	built = map[Key][]manifest.Object{}
)

// Get returns a copy of the shape that the caller may change. The first call for a key builds it. An error means that a
// kustomization of this module is broken, not that an input is.
func Get(key Key) ([]manifest.Object, error) {
	objects, err := get(key)
	if err != nil {
		return nil, fmt.Errorf("building shape %s with components %q: %w", key.Base, key.Components, err)
	}
	copies := make([]manifest.Object, len(objects))
	for i := range objects {
		copies[i] = objects[i].DeepCopy()
	}
	return copies, nil
}

func get(key Key) ([]manifest.Object, error) {
	mu.Lock()
	defer mu.Unlock()
	if objects, ok := built[key]; ok {
		return objects, nil
	}
	objects, err := build(key)
	if err != nil {
		return nil, err
	}
	built[key] = objects
	return objects, nil
}

// Forget drops all shapes, so that a benchmark can measure building them.
func Forget() {
	mu.Lock()
	defer mu.Unlock()
	clear(built)
}

// runKustomize is a variable for the test of what a panic in it does.
var runKustomize = func(fsys filesys.FileSystem) (resmap.ResMap, error) {
	return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fsys, "/shape")
}

// build runs kustomize. It is the only door to kyaml's global OpenAPI schema in this module's library code: the caller
// holds the lock, since every build resets the schema (kustomize#3670), and a panic in kustomize becomes an error, since
// the controller must outlive it.
func build(key Key) (objects []manifest.Object, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kustomize panicked: %v", r)
		}
	}()
	fsys, err := fileSystem(key)
	if err != nil {
		return nil, err
	}
	resources, err := runKustomize(fsys)
	if err != nil {
		return nil, err
	}
	for _, r := range resources.Resources() {
		text, err := r.MarshalJSON()
		if err != nil {
			return nil, err
		}
		object := manifest.Object{}
		// apimachinery's decoder makes whole numbers int64, which DeepCopy demands.
		if err := utiljson.Unmarshal(text, (*map[string]any)(&object)); err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

func fileSystem(key Key) (filesys.FileSystem, error) {
	fsys := filesys.MakeFsInMemory()
	for dir, source := range map[string]embed.FS{"bases": bases.FS, "overlays": overlays.FS, "scripts": scripts.FS} {
		if err := copyFiles(fsys, dir, source); err != nil {
			return nil, fmt.Errorf("copying %s: %w", dir, err)
		}
	}
	kustomization, err := kustomizationFor(key)
	if err != nil {
		return nil, err
	}
	return fsys, fsys.WriteFile("/shape/kustomization.yaml", kustomization)
}

func copyFiles(fsys filesys.FileSystem, dir string, source embed.FS) error {
	return fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := source.ReadFile(name)
		if err != nil {
			return err
		}
		return fsys.WriteFile(path.Join("/", dir, name), content)
	})
}

func kustomizationFor(key Key) ([]byte, error) {
	kustomization := map[string]any{"resources": []string{"../bases/" + key.Base}}
	var components []string
	for name := range strings.SplitSeq(key.Components, ",") {
		if name != "" {
			components = append(components, "../overlays/components/"+name)
		}
	}
	if len(components) > 0 {
		kustomization["components"] = components
	}
	text, err := json.Marshal(kustomization)
	if err != nil {
		return nil, err
	}
	text, err = yaml.JSONToYAML(text)
	return bytes.TrimSpace(text), err
}
