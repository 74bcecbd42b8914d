package containerdregistries

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/guard"
)

// What an OperatingSystemConfig is.
const (
	OperatingSystemConfigAPIVersion = "extensions.gardener.cloud/v1alpha1"
	OperatingSystemConfigKind       = "OperatingSystemConfig"
	// PurposeReconcile is the purpose of those for nodes that run; the others only boot a machine.
	PurposeReconcile = "reconcile"
)

// OwnedAnnotation tells later runs what of an OperatingSystemConfig was added for which config.
const OwnedAnnotation = v1alpha1.GroupName + "/containerd-registries"

// View is what Plan looks at in an OperatingSystemConfig: where what it owns is, and none of the rest's content. It can be
// filled from JSON with ViewOf, or from typed objects.
type View struct {
	// Purpose is spec.purpose.
	Purpose string
	// Deleting says whether metadata.deletionTimestamp is there. Plan does not look at it.
	Deleting bool
	// Containerd says whether spec.criConfig.containerd is there.
	Containerd bool
	// Annotations is the number of annotations, and Owned the value of OwnedAnnotation.
	Annotations int
	Owned       string
	// Files, Units and Registries are spec.files by path, spec.units by name, and spec.criConfig.containerd.registries by
	// upstream.
	Files, Units, Registries Entries
}

// Entries is a list: the key of each element in the order of the list, and the content of those that Plan may compare,
// by their index. For Files those are the ones that IsOwnPath names, for Units that of the guard, for Registries all.
type Entries struct {
	Keys    []string
	Content map[int]map[string]any
}

// IsOwnPath says whether a file may be ours: the guard, or a CA bundle.
func IsOwnPath(file string) bool {
	return file == guard.ScriptPath || strings.HasPrefix(path.Clean(file), guard.CertsDir+"/")
}

// head is an OperatingSystemConfig as far as a view always needs it.
type head struct {
	Metadata struct {
		Annotations       map[string]string `json:"annotations"`
		DeletionTimestamp *string           `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec struct {
		Purpose   string     `json:"purpose"`
		Files     []rawEntry `json:"files"`
		Units     []rawEntry `json:"units"`
		CRIConfig struct {
			Containerd *struct {
				Registries []rawEntry `json:"registries"`
			} `json:"containerd"`
		} `json:"criConfig"`
	} `json:"spec"`
}

// rawEntry is an element of a list whose fields are decoded when somebody asks for them. That is most of the time that a view
// takes: to look for our entries first and to decode those in a second pass would double it.
type rawEntry map[string]json.RawMessage

// ViewOf reads the view from an OperatingSystemConfig's JSON without decoding the content of what is not ours.
func ViewOf(text []byte) (View, error) {
	var h head
	if err := json.Unmarshal(text, &h); err != nil {
		return View{}, fmt.Errorf("reading the OperatingSystemConfig: %w", err)
	}
	v := View{
		Purpose:     h.Spec.Purpose,
		Deleting:    h.Metadata.DeletionTimestamp != nil,
		Containerd:  h.Spec.CRIConfig.Containerd != nil,
		Annotations: len(h.Metadata.Annotations),
		Owned:       h.Metadata.Annotations[OwnedAnnotation],
	}
	if err := v.Files.readAll(h.Spec.Files, "spec.files", "path", IsOwnPath); err != nil {
		return View{}, fmt.Errorf("reading the files of the OperatingSystemConfig: %w", err)
	}
	if err := v.Units.readAll(h.Spec.Units, "spec.units", "name", func(name string) bool { return name == guard.UnitName }); err != nil {
		return View{}, fmt.Errorf("reading the units of the OperatingSystemConfig: %w", err)
	}
	if !v.Containerd {
		return v, nil
	}
	if err := v.Registries.readAll(h.Spec.CRIConfig.Containerd.Registries, "spec.criConfig.containerd.registries", "upstream", func(string) bool { return true }); err != nil {
		return View{}, fmt.Errorf("reading the registries of the OperatingSystemConfig: %w", err)
	}
	return v, nil
}

// readAll reads the keys of all entries of the list at a path, and the content of those that may be ours.
func (l *Entries) readAll(entries []rawEntry, at, keyField string, own func(key string) bool) error {
	for i, entry := range entries {
		key := ""
		if raw, given := entry[keyField]; given {
			if err := json.Unmarshal(raw, &key); err != nil {
				return inField(err, at+"."+keyField)
			}
		}
		l.Keys = append(l.Keys, key)
		if !own(key) {
			continue
		}
		if err := l.read(i, entry); err != nil {
			return err
		}
	}
	return nil
}

// inField says where in the OperatingSystemConfig a field of the wrong type is.
func inField(err error, at string) error {
	var typeError *json.UnmarshalTypeError
	if errors.As(err, &typeError) {
		typeError.Field = at
	}
	return err
}

// read decodes the content of an entry.
func (l *Entries) read(i int, entry rawEntry) error {
	content := make(map[string]any, len(entry))
	for field, raw := range entry {
		var value any
		// apimachinery's decoder makes whole numbers int64, as in what is desired.
		if err := utiljson.Unmarshal(raw, &value); err != nil {
			return err
		}
		content[field] = value
	}
	if l.Content == nil {
		l.Content = map[int]map[string]any{}
	}
	l.Content[i] = content
	return nil
}
