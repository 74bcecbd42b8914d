package admission_test

import "testing"

// What the existing extension accepts is refused only if it is new.
func TestRulesOfOursSpareWhatWasThere(t *testing.T) {
	const (
		at      = "spec.extensions[0].providerConfig.caches"
		names   = `[1].upstream: Invalid value: "a-b.io": upstreams "a.b.io" and "a-b.io" must not be cached together: the objects of both would be named "registry-a-b-io"`
		hub     = `[1].upstream: Invalid value: "registry-1.docker.io": upstreams "docker.io" and "registry-1.docker.io" are the same registry, Docker Hub, but get a cache each; keep one of them`
		collide = "caches: [{upstream: a.b.io}, {upstream: a-b.io}]"
		hubs    = "caches: [{upstream: docker.io}, {upstream: registry-1.docker.io}]"
	)
	validateAll(t, cacheValidator, map[string]request{
		"object names, created":   {new: shoot(caches(collide)), want: []string{at + names}},
		"object names, added":     {old: shoot(caches("caches: [{upstream: a.b.io}]")), new: shoot(caches(collide)), want: []string{at + names}},
		"object names, as before": {old: shoot(caches(collide)), new: shoot(caches("caches: [{upstream: a-b.io}, {upstream: a.b.io}, {upstream: quay.io}]"))},
		"object names, enabled":   {old: shoot(caches(collide), disabled), new: shoot(caches(collide)), want: []string{at + names}},
		"Docker Hub, created":     {new: shoot(caches(hubs)), want: []string{at + hub}},
		"Docker Hub, added":       {old: shoot(caches(oneCache)), new: shoot(caches(hubs)), want: []string{at + hub}},
		"Docker Hub, as before":   {old: shoot(caches(hubs)), new: shoot(caches("caches: [{upstream: docker.io, highAvailability: {enabled: true}}, {upstream: registry-1.docker.io}]"))},
		"Docker Hub, a third": {
			old: shoot(caches(hubs)), new: shoot(caches("caches: [{upstream: docker.io}, {upstream: index.docker.io}, {upstream: registry-1.docker.io}]")),
			want: []string{at + `[1].upstream: Invalid value: "index.docker.io": upstreams "docker.io" and "index.docker.io" are the same registry, Docker Hub, but get a cache each; keep one of them`},
		},
	})
}

// Both sides look, because a change of one side leaves the other's configuration unchanged.
func TestCacheAndMirrorOfOneUpstream(t *testing.T) {
	const (
		cacheSide  = "spec.extensions[0].providerConfig.caches[0].upstream: Invalid value: \"docker.io\": upstream host 'docker.io' is also configured as a registry mirror upstream"
		mirrorSide = "spec.extensions[1].providerConfig.mirrors[0].upstream: Invalid value: \"docker.io\": upstream host 'docker.io' is also configured as a registry cache upstream"
		quayCache  = "caches: [{upstream: quay.io}]"
		quayMirror = "mirrors: [{upstream: quay.io, hosts: [{host: 'https://m'}]}]"
		moreCaches = "caches: [{upstream: docker.io}, {upstream: ghcr.io}]"
	)
	cached, mirrored := caches(oneCache), mirrors(oneMirror)
	validateAll(t, cacheValidator, map[string]request{
		"created":               {new: shoot(cached, mirrored), want: []string{cacheSide}},
		"cache added":           {old: shoot(caches(quayCache), mirrored), new: shoot(cached, mirrored), want: []string{cacheSide}},
		"caches enabled":        {old: shoot(mirrored), new: shoot(cached, mirrored), want: []string{cacheSide}},
		"mirror added":          {old: shoot(cached, mirrors(quayMirror)), new: shoot(cached, mirrored)}, // the other side refuses it
		"as before":             {old: shoot(cached, mirrored), new: shoot(caches(moreCaches), mirrored)},
		"mirror disabled":       {new: shoot(cached, mirrored, disabled)},
		"different ones":        {new: shoot(cached, mirrors(quayMirror))},
		"mirrors not decodable": {new: shoot(cached, extension("registry-mirror", "[]"))},
	})
	validateAll(t, mirrorValidator, map[string]request{
		"mirrors: created":              {new: shoot(cached, mirrored), want: []string{mirrorSide}},
		"mirrors: mirror added":         {old: shoot(cached, mirrors(quayMirror)), new: shoot(cached, mirrored), want: []string{mirrorSide}},
		"mirrors: cache added":          {old: shoot(caches(quayCache), mirrored), new: shoot(cached, mirrored)},
		"mirrors: caches disabled":      {new: shoot(cached, disabled, mirrored)},
		"mirrors: different ones":       {new: shoot(caches(quayCache), mirrored)},
		"mirrors: caches not decodable": {new: shoot(extension("registry-cache", "{}"), mirrored)},
		"mirrors: caches of v1alpha1":   {new: shoot(old("v1alpha1", oneCache), mirrored), want: []string{mirrorSide}},
	})
}
