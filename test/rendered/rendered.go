// Package rendered reads what a pod will run out of rendered manifests, as the kubelet would.
package rendered

import (
	"encoding/base64"
	"fmt"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

// Cache returns the config.yml and the environment of the cache whose StatefulSet has this name.
func Cache(objects []manifest.Object, name string) (config []byte, env map[string]string, err error) {
	statefulSet := find(objects, "StatefulSet", name)
	if statefulSet == nil {
		return nil, nil, fmt.Errorf("no StatefulSet %q is rendered", name)
	}
	pod := manifest.Map(statefulSet, "spec", "template", "spec")
	container := manifest.Named(pod["containers"], "registry-cache")
	mounted := manifest.Text(manifest.Named(pod["volumes"], "config-volume"), "secret", "secretName")
	secret := find(objects, "Secret", mounted)
	if container == nil || secret == nil {
		return nil, nil, fmt.Errorf("the StatefulSet %q must have a container registry-cache and mount a rendered Secret, not %q", name, mounted)
	}
	config, err = base64.StdEncoding.DecodeString(manifest.Text(secret, "data", "config.yml"))
	if err != nil {
		return nil, nil, fmt.Errorf("decoding config.yml of Secret %q: %w", mounted, err)
	}
	env = map[string]string{}
	variables, _ := container["env"].([]any)
	for _, entry := range variables {
		if variable, ok := entry.(map[string]any); ok {
			env[manifest.Text(variable, "name")] = manifest.Text(variable, "value")
		}
	}
	return config, env, nil
}

func find(objects []manifest.Object, kind, name string) manifest.Object {
	for _, o := range objects {
		if o.Kind() == kind && o.Name() == name {
			return o
		}
	}
	return nil
}
