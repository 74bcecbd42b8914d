package app

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	healthPath = "/debug/health"
	// leaveTime is how long the cache goes on to serve after it was told to stop, while it says that it is not healthy: until
	// the readiness probe of bases/cache has failed (3 times, every 2 s) and kube-proxy has followed.
	leaveTime = 10 * time.Second
	// probeAgent begins the User-Agent of a kubelet's probes.
	probeAgent = "kube-probe/"
	// probedWithin is how long ago a kubelet must have asked for our health to be taken for one that will ask again.
	probedWithin = 10 * time.Second
)

// leaving takes a cache out of its Service before it stops. A kubelet tears down the network of a pod whose containers have ended
// before anybody hears that the pod is not ready: for a second packets to the cluster IP vanish, and a pull that begins then
// waits until its dial times out, which are 30 s with containerd before 2.0.7.
type leaving struct {
	left   atomic.Bool
	probed atomic.Int64 // when a kubelet last asked for our health, in ns since 1970
}

// watch is the handler of the debug server, which serves health among other things.
func (l *leaving) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == healthPath {
			if strings.HasPrefix(r.UserAgent(), probeAgent) {
				l.probed.Store(time.Now().UnixNano())
			}
			if l.left.Load() {
				http.Error(w, `{"stopping":"the cache was told to stop"}`, http.StatusServiceUnavailable)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// leave says from now on that the cache is not healthy, and returns how long it should still serve: no time at all where no
// kubelet asks for its health.
func (l *leaving) leave() time.Duration {
	l.left.Store(true)
	if time.Since(time.Unix(0, l.probed.Load())) > probedWithin {
		return 0
	}
	return leaveTime
}
