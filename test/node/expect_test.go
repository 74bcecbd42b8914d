//go:build node

package node

// expectCached pulls an image of one layer and fails unless that is fast and all of it came from the cache.
func (c *containerd) expectCached(cache *cache, image string) {
	c.w.t.Helper()
	cache.upstream.requests.reset()
	cache.reset()
	c.pullWithin(image, fast)
	cache.upstream.expectFromNode(0)
	cache.expectBlobs(2)
}

// expectDirect pulls an image of one layer and fails unless that is fast and all of it came from the upstream.
func (c *containerd) expectDirect(u *upstream, image string) {
	c.w.t.Helper()
	u.requests.reset()
	c.pullWithin(image, fast)
	u.expectFromNode(2)
}
