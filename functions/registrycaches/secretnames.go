package registrycaches

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// What gardener-resource-manager's garbage collector goes by: it deletes Secrets with the label that no workload refers
// to with an annotation (gardener: pkg/resourcemanager/controller/garbagecollector/references).
const (
	labelGarbageCollectable = "resources.gardener.cloud/garbage-collectable-reference"
	annotationReference     = "reference.resources.gardener.cloud/secret-"
	hashLength              = 8
)

// makeUnique makes a Secret immutable and puts a hash of its content at the end of its name, so that another content is
// another Secret and the pods that still use the old one are not disturbed.
func makeUnique(secret manifest.Object) {
	secret["immutable"] = true
	secret.SetLabel(labelGarbageCollectable, "true")
	secret.SetName(secret.Name() + "-" + contentHash(secret))
}

// refer keeps gardener-resource-manager from deleting the Secret.
func (f *filling) refer(secretName string) {
	key := annotationReference + hash([]byte(secretName))
	f.statefulSet.SetAnnotation(key, secretName)
	manifest.Ensure(f.podTemplate(), "metadata", "annotations")[key] = secretName
}

// hashAnnotation is the pod template's annotation that makes pods restart when the content of a Secret changes whose name
// does not.
func hashAnnotation(role string) string {
	return v1alpha1.GroupName + "/" + role + "-hash"
}

func contentHash(secret manifest.Object) string {
	// A map of strings always encodes, with sorted keys.
	text, _ := json.Marshal(secret["data"])
	return hash(text)
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:hashLength]
}
