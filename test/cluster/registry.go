package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/registry-cache/registry-cache/test/registries"
)

// Registry is a registry in the internet. It notes every request.
type Registry struct {
	// URL is where it answers, such as https://registry-1.docker.io.
	URL string
	// Upstream has the images.
	*registries.Upstream

	internet *Internet
	host     string
	lock     sync.Mutex
	server   *http.Server
	requests []Request
}

// Request is one that a registry got.
type Request struct {
	// Client is the address that it came from: that of a node if containerd asked, that of a pod if a cache did.
	Client string
	Method string
	Path   string
	Status int
}

// FromNode tells whether containerd asked, or another program on a node, and not a pod.
func (r Request) FromNode() bool { return strings.HasPrefix(r.Client, "10.80.") }

// ForContent tells whether it asked for a manifest or for a blob.
func (r Request) ForContent() bool {
	return strings.Contains(r.Path, "/manifests/") || strings.Contains(r.Path, "/blobs/")
}

// StartRegistry starts a registry at a URL whose host is one of [Names]. With https its certificate is of the internet's
// authority; options need not say so.
func (i *Internet) StartRegistry(url string, options registries.UpstreamOptions) (*Registry, error) {
	scheme, host, _ := strings.Cut(url, "://")
	options.URL, options.TLS = url, false // TLS ends here
	upstream, err := registries.StartUpstream(options)
	if err != nil {
		return nil, err
	}
	r := &Registry{URL: url, Upstream: upstream, internet: i, host: host}
	i.registries = append(i.registries, r)
	if err := r.Start(); err != nil {
		return nil, fmt.Errorf("starting a registry with scheme %q: %w", scheme, err)
	}
	return r, nil
}

// Start lets the registry answer again after [Registry.Stop], with the same images.
func (r *Registry) Start() error {
	scheme, _, _ := strings.Cut(r.URL, "://")
	name, port, err := net.SplitHostPort(r.host)
	if err != nil {
		name, port = r.host, map[string]string{"http": "80", "https": "443"}[scheme]
	}
	address, known := Names[name]
	if !known {
		return fmt.Errorf("host %q has no address in the internet", name)
	}
	listener, err := r.internet.net.Listen(net.JoinHostPort(address, port))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: r.note(r.Handler()), ErrorLog: log.New(io.Discard, "", 0)}
	r.lock.Lock()
	r.server = server
	r.lock.Unlock()
	if scheme == "http" {
		go func() { _ = server.Serve(listener) }() // it ends when it is closed
		return nil
	}
	certificate, err := r.internet.ca.IssueFor(name)
	if err != nil {
		return err
	}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	go func() { _ = server.ServeTLS(listener, "", "") }() // it ends when it is closed
	return nil
}

// Stop ends the registry: connections are refused from now on.
func (r *Registry) Stop() {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.server != nil {
		_ = r.server.Close() // nobody is waited for
	}
}

// Swallow lets all packets to the registry vanish, as a firewall does, or arrive again.
func (r *Registry) Swallow(swallow bool) error {
	name, _, _ := strings.Cut(r.host, ":")
	action := map[bool]string{true: "--insert", false: "--delete"}[swallow]
	return r.internet.net.run("iptables", "--wait", action, "INPUT", "--destination", Names[name], "--jump", "DROP")
}

// Requests returns those that have been answered so far, in the order of their ends.
func (r *Registry) Requests() []Request {
	r.lock.Lock()
	defer r.lock.Unlock()
	return append([]Request{}, r.requests...)
}

// Take returns the same and forgets them.
func (r *Registry) Take() []Request {
	r.lock.Lock()
	defer r.lock.Unlock()
	requests := r.requests
	r.requests = nil
	return requests
}

// Reset forgets the requests so far.
func (r *Registry) Reset() { r.Take() }

// Push stores an image under a name without the registry's, such as "library/app:1". It does not go through the network, and is
// not noted.
func (r *Registry) Push(ctx context.Context, repository string, image v1.Image) error {
	reference, err := name.ParseReference(r.Host() + "/" + repository)
	if err != nil {
		return fmt.Errorf("naming an image: %w", err)
	}
	if err := remote.Write(reference, image, remote.WithContext(ctx), remote.WithTransport(r.InMemory())); err != nil {
		return fmt.Errorf("pushing %s to %s: %w", repository, r.URL, err)
	}
	return nil
}

// note notes each request once it is answered.
func (r *Registry) note(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		client, _, _ := net.SplitHostPort(request.RemoteAddr) // always has a port
		watched := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			answered := Request{client, request.Method, request.URL.Path, watched.status}
			r.lock.Lock()
			r.requests = append(r.requests, answered)
			r.lock.Unlock()
			if r.internet.observe != nil {
				r.internet.observe(r, answered)
			}
		}()
		next.ServeHTTP(watched, request)
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
