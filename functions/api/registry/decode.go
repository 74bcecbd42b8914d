// Package registry decodes the kinds of the API group registry.extensions.gardener.cloud, of any version, into the hub.
package registry

import (
	"encoding/json"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha2"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// Kind is the kind of a config in every version.
const Kind = "RegistryConfig"

// APIVersions lists the versions of RegistryConfig that can be decoded, oldest first.
func APIVersions() []string {
	return []string{
		v1alpha3.GroupName + "/v1alpha1",
		v1alpha3.GroupName + "/v1alpha2",
		v1alpha3.GroupName + "/v1alpha3",
	}
}

// DecodeConfig decodes a RegistryConfig of any version strictly and converts it to the hub, without defaulting it. The
// hub's TypeMeta keeps the apiVersion that the config is written in, for UserPath. Every fault is reported, with its path
// below path (nil for the root); config then holds what is not at fault, and is nil if not even the kind is right.
func DecodeConfig(text []byte, path *field.Path) (config *v1alpha3.RegistryConfig, errs field.ErrorList) {
	head := typeMeta(text)
	if head.Kind != Kind {
		if errs := unreadable(text, path); len(errs) > 0 {
			return nil, errs
		}
		return nil, field.ErrorList{field.NotSupported(path.Child("kind"), head.Kind, []string{Kind})}
	}
	switch head.APIVersion {
	case v1alpha3.GroupName + "/v1alpha1":
		old := &v1alpha1.RegistryConfig{}
		errs = decode.Strict(text, old, path)
		config = old.ToV1alpha3()
	case v1alpha3.GroupName + "/v1alpha2":
		old := &v1alpha2.RegistryConfig{}
		errs = decode.Strict(text, old, path)
		config = old.ToV1alpha3()
	case v1alpha3.GroupName + "/v1alpha3":
		config = &v1alpha3.RegistryConfig{}
		errs = decode.Strict(text, config, path)
	default:
		return nil, field.ErrorList{field.NotSupported(path.Child("apiVersion"), head.APIVersion, APIVersions())}
	}
	config.TypeMeta = head
	return config, errs
}

// unreadable returns the fault of a text that is no object at all, and therefore has no kind.
func unreadable(text []byte, path *field.Path) (errs field.ErrorList) {
	whole := ""
	if path != nil {
		whole = path.String()
	}
	for _, e := range decode.Strict(text, &v1alpha3.RegistryConfig{}, path) {
		if e.Field == whole {
			errs = append(errs, e)
		}
	}
	return errs
}

// typeMeta reads the version and kind of a text. What does not decode has none, and is refused for that.
func typeMeta(text []byte) (head metav1.TypeMeta) {
	if json.Unmarshal(text, &head) != nil { // several times faster than YAML, and what a controller has
		_ = yaml.Unmarshal(text, &head)
	}
	return head
}

// UserPath translates the path of a field of the hub into the version that the user wrote: v1alpha1 has the volume's size
// directly in the cache, and v1alpha1 and v1alpha2 have a switch for the TTL.
func UserPath(apiVersion, path string) string {
	switch {
	case strings.HasSuffix(apiVersion, "/v1alpha1"):
		path = strings.Replace(path, ".volume.size", ".size", 1)
		fallthrough
	case strings.HasSuffix(apiVersion, "/v1alpha2"):
		return strings.Replace(path, ".garbageCollection.ttl", ".garbageCollection.enabled", 1)
	}
	return path
}
