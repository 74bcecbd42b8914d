package containerdregistries

import (
	"encoding/json"
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
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Purpose string `json:"purpose"`
		Files   []struct {
			Path string `json:"path"`
		} `json:"files"`
		Units []struct {
			Name string `json:"name"`
		} `json:"units"`
		CRIConfig struct {
			Containerd *struct {
				Registries []json.RawMessage `json:"registries"`
			} `json:"containerd"`
		} `json:"criConfig"`
	} `json:"spec"`
}

// ViewOf reads the view from an OperatingSystemConfig's JSON without decoding the content of what is not ours.
func ViewOf(text []byte) (View, error) {
	var h head
	if err := json.Unmarshal(text, &h); err != nil {
		return View{}, fmt.Errorf("reading the OperatingSystemConfig: %w", err)
	}
	v := View{
		Purpose:     h.Spec.Purpose,
		Containerd:  h.Spec.CRIConfig.Containerd != nil,
		Annotations: len(h.Metadata.Annotations),
		Owned:       h.Metadata.Annotations[OwnedAnnotation],
	}
	own := false
	for _, file := range h.Spec.Files {
		v.Files.Keys = append(v.Files.Keys, file.Path)
		own = own || IsOwnPath(file.Path)
	}
	for _, unit := range h.Spec.Units {
		v.Units.Keys = append(v.Units.Keys, unit.Name)
		own = own || unit.Name == guard.UnitName
	}
	if own {
		if err := v.readOwn(text); err != nil {
			return View{}, fmt.Errorf("reading what is ours of the OperatingSystemConfig: %w", err)
		}
	}
	if v.Containerd {
		if err := v.Registries.readAll(h.Spec.CRIConfig.Containerd.Registries); err != nil {
			return View{}, fmt.Errorf("reading the registries of the OperatingSystemConfig: %w", err)
		}
	}
	return v, nil
}

// readOwn reads the entries of ours, in a second pass that most calls can do without: Gardener makes an
// OperatingSystemConfig anew each time.
func (v *View) readOwn(text []byte) error {
	var raw struct {
		Spec struct {
			Files []json.RawMessage `json:"files"`
			Units []json.RawMessage `json:"units"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	for i, file := range v.Files.Keys {
		if IsOwnPath(file) {
			if err := v.Files.read(i, raw.Spec.Files[i]); err != nil {
				return err
			}
		}
	}
	for i, unit := range v.Units.Keys {
		if unit == guard.UnitName {
			if err := v.Units.read(i, raw.Spec.Units[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// read decodes the content of an entry.
func (l *Entries) read(i int, text []byte) error {
	var value map[string]any
	// apimachinery's decoder makes whole numbers int64, as in what is desired.
	if err := utiljson.Unmarshal(text, &value); err != nil {
		return err
	}
	if l.Content == nil {
		l.Content = map[int]map[string]any{}
	}
	l.Content[i] = value
	return nil
}

func (l *Entries) readAll(texts []json.RawMessage) error {
	for i, text := range texts {
		if err := l.read(i, text); err != nil {
			return err
		}
		upstream, _ := l.Content[i]["upstream"].(string)
		l.Keys = append(l.Keys, upstream)
	}
	return nil
}
