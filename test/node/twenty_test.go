//go:build node

package node

import (
	"fmt"
	"testing"
	"time"
)

// Twenty caches are used and withdrawn in the time of one.
func TestTwentyRegistriesAtOnce(t *testing.T) {
	const count = 20
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, _ := w.startHubAndCache()
		cache.listenEverywhere()
		var arguments, upstreams, endpoints []string
		for i := range count {
			address, upstream := fmt.Sprintf("10.79.1.%d", i), fmt.Sprintf("r%d.test", i)
			w.addAddress(address)
			upstreams, endpoints = append(upstreams, upstream), append(endpoints, "http://"+address+":5000")
			arguments = append(arguments, registryArgument(upstream, endpoints[i], hub.url))
		}
		all := func(wanted func(i int) string) func() bool {
			return func() bool {
				for i, upstream := range upstreams {
					if !w.uses(upstream, wanted(i)) {
						return false
					}
				}
				return true
			}
		}
		used := func(i int) string { return endpoints[i] }
		direct := func(int) string { return hub.url }

		w.startGuard(arguments...)
		w.t.Logf("all used after %.1f s", eventually(w.t, startLimit, "all are used", all(used)).Seconds())
		c.pullWithin(upstreams[count-1]+"/library/one:1", fast)
		cache.expectBlobs(2)
		hub.expectFromNode(0)

		for i := range count {
			w.dropAddress(fmt.Sprintf("10.79.1.%d", i))
		}
		w.t.Logf("all direct after %.1f s", eventually(w.t, withdrawalLimit, "all are direct", all(direct)).Seconds())
		c.pullWithin(upstreams[0]+"/library/one:1", fast)
		hub.expectFromNode(2)

		time.Sleep(time.Second)
		for i := range count {
			w.addAddress(fmt.Sprintf("10.79.1.%d", i))
		}
		w.t.Logf("all used again after %.1f s", eventually(w.t, returnLimit, "all are used again", all(used)).Seconds())
	})
}
