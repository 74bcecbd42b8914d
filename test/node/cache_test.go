//go:build node

package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/registry-cache/registry-cache/test/registries"
	"github.com/registry-cache/registry-cache/test/tool"
)

// cache is a real registry with a rendered config.yml, at an address of its own.
type cache struct {
	w        *world
	upstream *upstream
	address  string
	listen   string // the address, or all of the internet
	endpoint string
	folder   string
	process  *process
	ca       *authority // nil without TLS
	seen     int        // how much of the log was looked at
}

// startCache starts a cache of an upstream at an address, on port 5000. With an authority it serves TLS.
func (w *world) startCache(u *upstream, address string, ca *authority) *cache {
	w.t.Helper()
	scheme := "http"
	if ca != nil {
		scheme = "https"
	}
	host := net.JoinHostPort(address, "5000")
	folder, err := os.MkdirTemp(w.dir, "cache-")
	if err != nil {
		w.t.Fatal(err)
	}
	c := &cache{w: w, upstream: u, address: address, listen: address, endpoint: scheme + "://" + host, folder: folder, ca: ca}
	w.addAddress(address)
	c.start()
	return c
}

// listenEverywhere lets a cache answer at every address of the internet, as a Service of many does.
func (c *cache) listenEverywhere() {
	c.w.t.Helper()
	c.process.kill()
	c.listen = "0.0.0.0"
	c.start()
}

// start starts the registry, also after it was killed; what it stored is kept.
func (c *cache) start() {
	t := c.w.t
	t.Helper()
	replacements := registries.Replacements{
		Addr:          net.JoinHostPort(c.listen, "5000"),
		DebugAddr:     net.JoinHostPort(c.address, "5001"),
		RootDirectory: c.folder + "/data",
		RemoteURL:     c.upstream.url,
		Certificate:   c.folder + "/tls.crt",
		Key:           c.folder + "/tls.key",
	}
	rendered, err := os.ReadFile(filepath.Join(tool.Root(t), "test/registries/testdata/config.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if c.ca != nil {
		certificate, key := c.ca.issue(t, c.address)
		c.write("tls.crt", certificate)
		c.write("tls.key", key)
		rendered = []byte(strings.Replace(string(rendered), "log:\n", "  tls:\n    certificate: x\n    key: x\nlog:\n", 1))
	}
	config, _, err := registries.Localize(rendered, replacements)
	if err != nil {
		t.Fatal(err)
	}
	c.write("config.yml", config)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.seen = 0
	c.process = c.w.start(c.w.internet, []string{
		registries.ConfigVariable + "=" + c.folder + "/config.yml",
		"SSL_CERT_FILE=" + c.w.dir + "/upstream-ca.crt",
		"OTEL_TRACES_EXPORTER=none",
	}, program)
	c.waitUntilReady()
}

func (c *cache) write(name string, content []byte) {
	c.w.t.Helper()
	if err := os.WriteFile(filepath.Join(c.folder, name), content, 0o600); err != nil {
		c.w.t.Fatal(err)
	}
}

// waitUntilReady asks as a client in the internet would.
func (c *cache) waitUntilReady() {
	t := c.w.t
	t.Helper()
	transport := &http.Transport{DialContext: c.w.internet.Dial, DisableKeepAlives: true}
	if c.ca != nil {
		pool := x509.NewCertPool()
		pool.AddCert(c.ca.cert)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	client := &http.Client{Transport: transport, Timeout: time.Second}
	deadline := time.Now().Add(30 * time.Second)
	for {
		response, err := get(t.Context(), client, c.endpoint+"/v2/")
		if err == nil {
			_ = response.Body.Close()
			c.reset()
			return
		}
		if !c.process.running() || time.Now().After(deadline) {
			t.Fatalf("the cache does not answer: %v\n%s", err, c.process.log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func get(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	return client.Do(request)
}

// reset forgets the requests so far.
func (c *cache) reset() { c.seen = len(c.process.log.String()) }

// accesses returns the lines of the registry's access log since the last reset that contain what is given.
func (c *cache) accesses(part string) []string {
	var lines []string
	for line := range strings.Lines(c.process.log.String()[c.seen:]) {
		if strings.Contains(line, `HTTP/1.1"`) && strings.Contains(line, part) {
			lines = append(lines, line)
		}
	}
	return lines
}

// expectBlobs fails unless so many blobs were asked for since the last reset.
func (c *cache) expectBlobs(want int) {
	c.w.t.Helper()
	var got int
	eventuallyNot(func() bool { got = len(c.accesses("/blobs/")); return got == want })
	if got != want {
		c.w.t.Errorf("the cache was asked for %d blobs, want %d:\n%s", got, want, c.process.log.String()[c.seen:])
	}
}

// eventuallyNot gives a log that is written by another process a moment.
func eventuallyNot(condition func() bool) {
	for range 50 {
		if condition() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// registry returns the guard's argument for the cache.
func (c *cache) registry() string {
	return registryArgument(c.upstream.name, c.endpoint, c.upstream.url)
}

func registryArgument(upstream, endpoint, server string) string {
	return fmt.Sprintf("%s,%s,%s", upstream, endpoint, server)
}
