package registries

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// readyTimeout is how long a cache may take to answer.
	readyTimeout = 15 * time.Second
	readyPoll    = 20 * time.Millisecond
	// portAttempts bounds the starts of a cache whose free port was taken by somebody else before it could be used.
	portAttempts = 3
)

// CacheOptions says what to run.
type CacheOptions struct {
	// Config is the rendered config.yml.
	Config []byte
	// Env is the environment of the rendered container. Nothing of this process's environment is added.
	Env map[string]string
	// Upstream is what the cache fetches from, whatever its proxy.remoteurl says.
	Upstream *Upstream
	// Dir keeps the content beyond Close, for another start. Default: a temporary folder.
	Dir string
}

// Cache is a running pull-through cache.
type Cache struct {
	folder  string // what is removed at Close
	config  []byte
	diff    []string
	host    string
	debug   string // empty without a debug server
	metrics string // path of the metrics, empty without metrics
	ca      *CA    // nil without TLS
	process *process
	client  *http.Client
}

// StartCache starts distribution's registry with the config.yml, in which only addresses and folders are replaced (see
// Diff), and waits until it answers. The program must call ServeIfAsked.
func StartCache(ctx context.Context, options CacheOptions) (*Cache, error) {
	for attempt := 1; ; attempt++ {
		cache, err := startCache(ctx, options)
		if err == nil {
			return cache, nil
		}
		if attempt == portAttempts || !strings.Contains(err.Error(), "address already in use") {
			return nil, fmt.Errorf("starting cache: %w", err)
		}
	}
}

func startCache(ctx context.Context, options CacheOptions) (*Cache, error) {
	folder, err := os.MkdirTemp("", "registry-cache-")
	if err != nil {
		return nil, err
	}
	c := &Cache{folder: folder}
	err = c.start(options)
	if err == nil {
		err = c.waitUntilReady(ctx)
	}
	if err != nil {
		_ = c.Close() // the first error says more
		return nil, err
	}
	return c, nil
}

// start writes the files and starts the process.
func (c *Cache) start(options CacheOptions) error {
	replacements, err := c.prepare(options)
	if err != nil {
		return fmt.Errorf("preparing folder: %w", err)
	}
	if c.config, c.diff, err = Localize(options.Config, replacements); err != nil {
		return err
	}
	env, diff := LocalizeEnv(options.Env, replacements)
	c.diff = append(c.diff, diff...)
	if env, err = c.addEnv(env, options.Upstream.CA()); err != nil {
		return err
	}
	if err := c.readConfig(env); err != nil {
		return err
	}
	file := filepath.Join(c.folder, "config.yml")
	if err := os.WriteFile(file, c.config, 0o600); err != nil {
		return err
	}
	c.process, err = startProcess(file, env)
	return err
}

// prepare chooses addresses and folders, and makes a server certificate in case the configuration wants one.
func (c *Cache) prepare(options CacheOptions) (Replacements, error) {
	r := Replacements{
		RootDirectory: options.Dir,
		RemoteURL:     options.Upstream.URL(),
		Certificate:   filepath.Join(c.folder, "tls.crt"),
		Key:           filepath.Join(c.folder, "tls.key"),
	}
	if r.RootDirectory == "" {
		r.RootDirectory = filepath.Join(c.folder, "data")
	}
	var err error
	if r.Addr, r.DebugAddr, err = freeAddresses(); err != nil {
		return r, err
	}
	if c.ca, err = NewCA(); err != nil {
		return r, err
	}
	certificate, key, err := c.ca.IssuePEM()
	if err != nil {
		return r, err
	}
	return r, errors.Join(os.WriteFile(r.Certificate, certificate, 0o600), os.WriteFile(r.Key, key, 0o600))
}

// addEnv adds what the registry needs on this machine beyond what its container has, and says so in the difference.
func (c *Cache) addEnv(env map[string]string, upstream *CA) (map[string]string, error) {
	extra := map[string]string{"OTEL_TRACES_EXPORTER": "none"} // else it would send traces to localhost:4318
	if upstream != nil {
		extra["SSL_CERT_FILE"] = filepath.Join(c.folder, "upstream-ca.crt")
		if err := os.WriteFile(extra["SSL_CERT_FILE"], upstream.PEM(), 0o600); err != nil {
			return nil, err
		}
	}
	result := map[string]string{}
	maps.Copy(result, env)
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		old, set := env[key]
		if old != extra[key] {
			c.diff = append(c.diff, fmt.Sprintf("env %s: %s -> %q", key, quoteOrUnset(old, set), extra[key]))
		}
		result[key] = extra[key]
	}
	return result, nil
}

func quoteOrUnset(value string, set bool) string {
	if !set {
		return "unset"
	}
	return fmt.Sprintf("%q", value)
}

// readConfig learns from the localized configuration and environment how the cache can be reached.
func (c *Cache) readConfig(env map[string]string) error {
	document, err := parse(c.config)
	if err != nil {
		return err
	}
	get := func(path, otherwise string) string {
		if value, set := env[variable(path)]; set {
			return value
		}
		if node := find(document, path); node != nil {
			return node.Value
		}
		return otherwise
	}
	if get("http.tls.certificate", "") == "" {
		c.ca = nil
	}
	c.host, c.debug = get("http.addr", ""), get("http.debug.addr", "")
	if get("http.debug.prometheus.enabled", "false") == "true" {
		c.metrics = get("http.debug.prometheus.path", "/metrics")
	}
	c.client = &http.Client{Transport: newTransport(c.ca)}
	return nil
}

// waitUntilReady polls the registry, and its debug server if it has one.
func (c *Cache) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	urls := []string{c.URL() + "/v2/"}
	if c.debug != "" {
		urls = append(urls, c.DebugURL()+"/debug/health")
	}
	for _, url := range urls {
		for {
			err := c.get(ctx, url)
			if err == nil {
				break
			}
			select {
			case <-c.process.exited:
				return fmt.Errorf("the registry ended: %w\n%s", c.process.err, c.process.log.lastWords())
			case <-ctx.Done():
				return fmt.Errorf("waiting for %s: %w\n%s", url, err, c.process.log.lastWords())
			case <-time.After(readyPoll):
			}
		}
	}
	return nil
}

func (c *Cache) get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered %s", response.Status)
	}
	return nil
}

// URL returns scheme, host and port, without a slash at the end.
func (c *Cache) URL() string {
	if c.ca != nil {
		return "https://" + c.host
	}
	return "http://" + c.host
}

// Host returns host and port, the beginning of the name of an image that is pulled through the cache.
func (c *Cache) Host() string { return c.host }

// DebugURL returns scheme, host and port of the debug server, or "" if the configuration has none.
func (c *Cache) DebugURL() string {
	if c.debug == "" {
		return ""
	}
	return "http://" + c.debug
}

// CA returns the CA that verifies a cache with TLS, else nil.
func (c *Cache) CA() *CA { return c.ca }

// Config returns the config.yml that the registry reads.
func (c *Cache) Config() []byte { return c.config }

// Diff returns the lines in which config.yml and environment differ from the rendered ones.
func (c *Cache) Diff() []string { return c.diff }

// Log returns the end of what the registry logged so far.
func (c *Cache) Log() string { return c.process.log.String() }

// Pull pulls "repository:tag" through the cache and waits until the cache has stored it (see Settle), so that what comes
// next finds it there. The wait is not in the result's duration.
func (c *Cache) Pull(ctx context.Context, repositoryAndTag string, progress func(bytes int64)) (PullResult, error) {
	result, err := Pull(ctx, c.host+"/"+repositoryAndTag, PullOptions{CA: c.ca, Progress: progress})
	if err != nil {
		return PullResult{}, err
	}
	return result, c.Settle(ctx)
}

// Close stops the registry as a kubelet does, waits for its end and removes its temporary files.
func (c *Cache) Close() error {
	var err error
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
	if c.process != nil {
		err = c.process.stop()
	}
	return errors.Join(err, os.RemoveAll(c.folder))
}

// freeAddresses returns two loopback addresses that were free a moment ago.
func freeAddresses() (first, second string, err error) {
	one, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = one.Close() }()
	two, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = two.Close() }()
	return one.Addr().String(), two.Addr().String(), nil
}
