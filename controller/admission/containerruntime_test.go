package admission_test

import "testing"

func TestContainerRuntimeNeedsToBeContainerd(t *testing.T) {
	refused := `spec.provider.workers[1].cri.name: Invalid value: "docker": container runtime needs to be containerd when the registry-cache extension is enabled`
	docker := worker("old", "docker")
	validateAll(t, cacheValidator, map[string]request{
		"containerd":                   {new: shoot(caches(oneCache))},
		"no runtime named":             {new: shoot(worker("default", ""), caches(oneCache))},
		"no workers":                   {new: shoot(workerless, caches(oneCache))},
		"another runtime":              {new: shoot(docker, caches(oneCache)), want: []string{refused}},
		"another runtime, no cache":    {new: shoot(docker)},
		"another runtime as before":    {old: shoot(docker, caches(oneCache)), new: shoot(docker, caches(oneCache), unrelated)},
		"another runtime added":        {old: shoot(caches(oneCache)), new: shoot(docker, caches(oneCache)), want: []string{refused}},
		"the runtime changed":          {old: shoot(worker("old", ""), caches(oneCache)), new: shoot(docker, caches(oneCache)), want: []string{refused}},
		"the extension added":          {old: shoot(docker), new: shoot(docker, caches(oneCache)), want: []string{refused}},
		"along with faults of its own": {new: shoot(docker, caches("caches: []")), want: []string{refused, "spec.extensions[0].providerConfig.caches: Required value: at least one cache must be provided"}},
	})
	validateAll(t, mirrorValidator, map[string]request{
		"mirrors": {new: shoot(docker, mirrors(oneMirror)), want: []string{`spec.provider.workers[1].cri.name: Invalid value: "docker": container runtime needs to be containerd when the registry-mirror extension is enabled`}},
	})
}
