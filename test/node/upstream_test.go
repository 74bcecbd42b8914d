//go:build node

package node

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/registry-cache/registry-cache/test/registries"
)

const (
	dockerHub        = "docker.io"
	dockerHubURL     = "https://registry-1.docker.io"
	dockerHubAddress = "10.78.0.1"
	layerSize        = 20_000
)

// upstream is a registry of the internet. It counts who asks it for what.
type upstream struct {
	w        *world
	name     string // as in names of images
	url      string
	registry *registries.Upstream
	server   *http.Server
	requests requests
}

// startUpstream starts a registry at an address under a host name, with or without TLS. prefix is the beginning of the
// names of its images.
func (w *world) startUpstream(prefix, rawURL, address string, options registries.UpstreamOptions) *upstream {
	w.t.Helper()
	parsed, err := url.Parse(rawURL)
	if err != nil {
		w.t.Fatal(err)
	}
	u := &upstream{w: w, name: prefix, url: rawURL}
	if u.registry, err = registries.StartUpstream(options); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = u.registry.Close() })
	w.setName(parsed.Hostname(), address)
	w.addAddress(address)
	port := parsed.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[parsed.Scheme]
	}
	u.serve(net.JoinHostPort(address, port), parsed)
	return u
}

// startDockerHub starts docker.io.
func (w *world) startDockerHub() *upstream {
	w.t.Helper()
	return w.startUpstream(dockerHub, dockerHubURL, dockerHubAddress, registries.UpstreamOptions{})
}

// startSlowHub starts docker.io on a slow line.
func (w *world) startSlowHub(bytesPerSecond int64) *upstream {
	w.t.Helper()
	return w.startUpstream(dockerHub, dockerHubURL, dockerHubAddress, registries.UpstreamOptions{BytesPerSecond: bytesPerSecond})
}

// startFailing starts a server in the internet that answers everything with 500.
func (w *world) startFailing(address string) *requests {
	w.t.Helper()
	listener, err := w.internet.Listen(address)
	if err != nil {
		w.t.Fatal(err)
	}
	seen := &requests{}
	fail := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) })
	server := &http.Server{Handler: seen.record(fail)}
	go func() { _ = server.Serve(listener) }()
	w.t.Cleanup(func() { _ = server.Close() })
	return seen
}

// serve listens in the internet and passes requests on to the registry, which is on this machine's loopback.
func (u *upstream) serve(address string, parsed *url.URL) {
	t := u.w.t
	t.Helper()
	target, err := url.Parse(u.registry.URL())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := u.w.internet.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	silent := log.New(io.Discard, "", 0)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ErrorLog: silent, FlushInterval: -1}
	u.server = &http.Server{Handler: u.requests.record(proxy), ErrorLog: silent}
	if parsed.Scheme == "https" {
		u.server.TLSConfig = u.w.ca.serverConfig(t, parsed.Hostname())
		go func() { _ = u.server.ServeTLS(listener, "", "") }()
	} else {
		go func() { _ = u.server.Serve(listener) }()
	}
	t.Cleanup(u.stop)
}

// stop ends the upstream: connections are refused from now on.
func (u *upstream) stop() { _ = u.server.Close() }

// push makes an image of so many layers and stores it in the upstream. It returns the image's whole name. Each name is
// another image.
func (u *upstream) push(repository string, layers int64, size int64) string {
	t := u.w.t
	t.Helper()
	image, err := random.Image(size, layers)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config = "linux", "amd64", v1.Config{Cmd: []string{"/none"}}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	reference, err := name.ParseReference(u.registry.Host() + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	return u.name + "/" + repository
}

// requests are those that a server got, each as "CLIENT METHOD PATH".
type requests struct {
	mu   sync.Mutex
	list []string
}

// record notes each request.
func (r *requests) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		client, _, _ := net.SplitHostPort(request.RemoteAddr) // always has a port
		r.mu.Lock()
		r.list = append(r.list, client+" "+request.Method+" "+request.URL.Path)
		r.mu.Unlock()
		next.ServeHTTP(w, request)
	})
}

// count returns how many requests there were that contain all parts.
func (r *requests) count(parts ...string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := 0
	for _, request := range r.list {
		found := true
		for _, part := range parts {
			found = found && strings.Contains(request, part)
		}
		if found {
			count++
		}
	}
	return count
}

// probes returns how many requests there were that ask for nothing.
func (r *requests) probes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := 0
	for _, request := range r.list {
		if strings.HasSuffix(request, " GET /v2/") {
			count++
		}
	}
	return count
}

// reset forgets the requests so far.
func (r *requests) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
}

// expectFromNode fails unless the node itself asked the upstream for so many blobs since the last reset.
func (u *upstream) expectFromNode(want int) {
	u.w.t.Helper()
	if got := u.requests.count(nodeAddress+" ", "/blobs/"); got != want {
		u.w.t.Errorf("the node asked %s for %d blobs, want %d: %q", u.url, got, want, u.requests.list)
	}
}
