package door

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

const kustomizationFile = "kustomization.yaml"

// directory is a folder of rendered manifests. Only what carries our mark in it is ever replaced or removed.
type directory struct {
	root *os.Root
	path string
	mark string
}

// writeDirectory makes the folder hold these objects, a file each and a kustomization.yaml that lists them. Files that an
// earlier run for the same mark wrote and that are not among the objects any more are removed. It refuses, before
// anything is changed, to touch what it did not write.
func writeDirectory(dir, mark string, objects []manifest.Object) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the output directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the output directory: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing was written through it
	d := directory{root: root, path: dir, mark: mark}

	files, names, err := encode(objects)
	if err != nil {
		return err
	}
	earlier, err := d.earlier()
	if err != nil {
		return err
	}
	if err := d.mayReplace(names); err != nil {
		return err
	}
	for _, name := range names {
		if err := d.write(name, files[name]); err != nil {
			return err
		}
	}
	// First remove, then forget: if we are stopped in between, the next run still knows what to remove.
	if err := d.remove(earlier, names); err != nil {
		return err
	}
	return d.writeKustomization(names)
}

// encode returns the content of each file, and the files' names in the order of the objects.
func encode(objects []manifest.Object) (files map[string][]byte, names []string, err error) {
	files = map[string][]byte{}
	for _, o := range objects {
		name := filePathFor(o)
		if _, taken := files[name]; taken {
			return nil, nil, fmt.Errorf("two objects would be written to %s", name)
		}
		if files[name], err = sigsyaml.Marshal(map[string]any(o)); err != nil {
			return nil, nil, fmt.Errorf("encoding %s: %w", o.ID(), err)
		}
		names = append(names, name)
	}
	return files, names, nil
}

func (d directory) kustomization(names []string) types.Kustomization {
	return types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		MetaData:  &types.ObjectMeta{Annotations: map[string]string{fnv1alpha1.GeneratedByAnnotation: d.mark}},
		Resources: names,
	}
}

func (d directory) writeKustomization(names []string) error {
	text, err := sigsyaml.Marshal(d.kustomization(names))
	if err != nil {
		return fmt.Errorf("encoding %s: %w", kustomizationFile, err)
	}
	return d.write(kustomizationFile, text)
}

// earlier returns the files that an earlier run listed. A kustomization.yaml that is not ours, or was changed by hand, is
// an error: it would be lost.
func (d directory) earlier() ([]string, error) {
	for _, name := range []string{"kustomization.yml", "Kustomization"} {
		if _, err := d.root.Stat(name); err == nil {
			return nil, fmt.Errorf("%s was not written by this function: choose another directory", d.at(name))
		}
	}
	text, err := d.root.ReadFile(kustomizationFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.at(kustomizationFile), err)
	}
	var have types.Kustomization
	if err := sigsyaml.UnmarshalStrict(text, &have); err != nil {
		return nil, fmt.Errorf("parsing %s: %w", d.at(kustomizationFile), err)
	}
	mark := ""
	if have.MetaData != nil {
		mark = have.MetaData.Annotations[fnv1alpha1.GeneratedByAnnotation]
	}
	switch {
	case mark == "":
		return nil, fmt.Errorf("%s was not written by this function: choose another directory", d.at(kustomizationFile))
	case mark != d.mark:
		return nil, fmt.Errorf("%s was written for %s, not for %s: choose another directory", d.at(kustomizationFile), mark, d.mark)
	case !reflect.DeepEqual(have, d.kustomization(have.Resources)) || !allLocal(have.Resources):
		return nil, fmt.Errorf("%s was changed by hand: move the changes to a kustomization of your own that has this "+
			"directory among its resources, and remove the file", d.at(kustomizationFile))
	}
	return have.Resources, nil
}

// allLocal says whether all files are inside the folder; we never list others.
func allLocal(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !fs.ValidPath(name) })
}

// mayReplace says which files stand in the way that are not ours, all at once.
func (d directory) mayReplace(names []string) error {
	var errs []error
	for _, name := range names {
		ours, err := d.isOurs(name)
		if err != nil {
			errs = append(errs, err)
		} else if !ours {
			errs = append(errs, fmt.Errorf("%s was not written for %s: move it away or choose another directory", d.at(name), d.mark))
		}
	}
	return errors.Join(errs...)
}

// isOurs says whether a file carries our mark, or does not exist.
func (d directory) isOurs(name string) (bool, error) {
	text, err := d.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", d.at(name), err)
	}
	object := manifest.Object{}
	if err := sigsyaml.Unmarshal(text, &object); err != nil {
		return false, nil //nolint:nilerr // what does not parse is not ours
	}
	return object.Annotation(fnv1alpha1.GeneratedByAnnotation) == d.mark, nil
}

// write puts a file into place whole: what reads the folder meanwhile sees the old content or the new.
func (d directory) write(name string, content []byte) error {
	temporary, mode := name+".tmp", fs.FileMode(0o644)
	if strings.HasPrefix(path.Base(name), "secret") {
		mode = 0o600 // it may hold credentials
	}
	err := d.root.MkdirAll(path.Dir(name), 0o755)
	if err == nil {
		_ = d.root.Remove(temporary) // one that was left would keep its mode
		err = d.root.WriteFile(temporary, content, mode)
	}
	if err == nil {
		err = d.root.Rename(temporary, name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", d.at(name), err)
	}
	return nil
}

// remove deletes files of an earlier run that are not written any more, unless somebody else's content is in them now,
// and the folders that this leaves empty.
func (d directory) remove(earlier, names []string) error {
	for _, name := range earlier {
		if slices.Contains(names, name) {
			continue
		}
		ours, err := d.isOurs(name)
		if err != nil {
			return err
		}
		if !ours {
			continue
		}
		if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing %s: %w", d.at(name), err)
		}
		if folder := path.Dir(name); folder != "." {
			_ = d.root.Remove(folder) // fails if other files are left in it, as it should
		}
	}
	return nil
}

func (d directory) at(name string) string {
	return filepath.Join(d.path, name)
}
