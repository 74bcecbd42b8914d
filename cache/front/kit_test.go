package front_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	storagemiddleware "github.com/distribution/distribution/v3/registry/storage/driver/middleware"
	"github.com/opencontainers/go-digest"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/registry-cache/registry-cache/cache/faults"
	"github.com/registry-cache/registry-cache/cache/front"
	"github.com/registry-cache/registry-cache/cache/store"
)

func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard)
	err := storagemiddleware.Register("kit", func(_ context.Context, inner storagedriver.StorageDriver, options map[string]any) (storagedriver.StorageDriver, error) {
		return options["wrap"].(func(storagedriver.StorageDriver) storagedriver.StorageDriver)(inner), nil
	})
	if err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/docker/go-events.(*Broadcaster).run")) // distribution's, one for each app
}

// cache is the cache as the program puts it together, over a store that can fail.
type cache struct {
	t        testing.TB
	handler  http.Handler
	front    *front.Handler // nil for the stock registry
	app      *handlers.App
	driver   *store.Driver
	faults   *faults.Driver
	swap     swap
	folder   string
	metrics  *store.Metrics
	observer store.Observer
}

// swap is a driver that is set later.
type swap struct{ storagedriver.StorageDriver }

func newCache(t testing.TB, u *upstream, folder string) *cache {
	c := newApp(t, u, folder)
	c.begin()
	return c
}

// newApp is newCache without its driver: distribution starts a goroutine that it never ends, which must not be in a bubble
// of synctest, whereas the driver must.
func newApp(t testing.TB, u *upstream, folder string) *cache {
	c := &cache{t: t, folder: folder}
	c.start(u, func(inner storagedriver.StorageDriver) storagedriver.StorageDriver {
		c.faults = faults.New(inner)
		return &c.swap
	})
	return c
}

// begin makes the driver and the handler.
func (c *cache) begin() {
	c.metrics = store.NewMetrics(prometheus.NewRegistry())
	c.driver = store.New(c.faults, store.Options{Metrics: c.metrics, Observer: c.observer})
	c.swap.StorageDriver = c.driver
	c.front = front.New(c.app)
	c.handler = c.front
}

// newStock is distribution without anything of ours.
func newStock(t testing.TB, u *upstream, folder string) *cache {
	c := &cache{t: t, folder: folder}
	c.start(u, func(inner storagedriver.StorageDriver) storagedriver.StorageDriver {
		c.faults = faults.New(inner)
		return c.faults
	})
	c.handler = c.app
	return c
}

func (c *cache) start(u *upstream, wrap func(storagedriver.StorageDriver) storagedriver.StorageDriver) {
	never := time.Duration(0)
	c.app = handlers.NewApp(context.Background(), &configuration.Configuration{
		Version: "0.1",
		Storage: configuration.Storage{
			"filesystem":  configuration.Parameters{"rootdirectory": c.folder},
			"delete":      configuration.Parameters{"enabled": true},
			"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
		},
		Middleware: map[string][]configuration.Middleware{"storage": {{Name: "kit", Options: configuration.Parameters{"wrap": wrap}}}},
		Proxy:      configuration.Proxy{RemoteURL: "http://" + u.host, TTL: &never},
	})
}

// settle waits until everything is stored.
func (c *cache) settle() {
	c.t.Helper()
	if c.front == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := c.front.Wait(ctx); err != nil {
		c.t.Error(err)
	}
}

func (c *cache) close() {
	c.t.Helper()
	c.settle()
	if err := c.app.Shutdown(); err != nil {
		c.t.Error(err)
	}
	if c.driver != nil {
		if err := c.driver.Close(); err != nil {
			c.t.Error(err)
		}
	}
}

// get makes a request, and fails as a client does that compares length and digest.
func (c *cache) get(method, path string, want []byte) error {
	request := httptest.NewRequest(method, "/v2/"+path, http.NoBody)
	request.Header.Set("Accept", manifestType)
	recorder := httptest.NewRecorder()
	c.handler.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		return fmt.Errorf("%s %s: %d %s", method, path, recorder.Code, recorder.Body)
	}
	if length := recorder.Header().Get("Content-Length"); length != strconv.Itoa(len(want)) {
		return fmt.Errorf("%s %s: length %s, want %d", method, path, length, len(want))
	}
	body := recorder.Body.Bytes()
	if method == http.MethodHead {
		if len(body) > 0 {
			return fmt.Errorf("%s %s: a body of %d bytes", method, path, len(body))
		}
		return nil
	}
	if !bytes.Equal(body, want) {
		return fmt.Errorf("%s %s: %d bytes that are not the upstream's %d", method, path, len(body), len(want))
	}
	return nil
}

// pull pulls as containerd does, one blob after the other.
func (c *cache) pull(i image) error {
	err := errors.Join(
		c.get(http.MethodHead, i.repository+"/manifests/"+i.tag, i.manifest),
		c.get(http.MethodGet, i.repository+"/manifests/"+i.digest().String(), i.manifest),
	)
	for _, blob := range i.blobs {
		err = errors.Join(err, c.get(http.MethodGet, i.repository+"/blobs/"+digest.FromBytes(blob).String(), blob))
	}
	return err
}

// mustPull pulls and waits until it is stored.
func (c *cache) mustPull(i image) {
	c.t.Helper()
	if err := c.pull(i); err != nil {
		c.t.Errorf("pull: %v", err)
	}
	c.settle()
}

// check reports what must never be in a store at rest: links without a blob of the right digest, bad blobs, uploads,
// temporary files. It returns the number of good blobs and of links.
func (c *cache) check() (blobs, links int) {
	c.t.Helper()
	good := map[digest.Digest]bool{}
	var targets []struct{ path, target string }
	err := filepath.WalkDir(c.folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative := strings.TrimPrefix(path, c.folder)
		location := store.Parse(relative)
		switch {
		case location.Kind == store.Upload:
			c.t.Errorf("left over: %s", relative)
		case entry.IsDir():
		case location.Kind == store.BlobData:
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if good[location.Digest] = digest.FromBytes(content) == location.Digest; !good[location.Digest] {
				c.t.Errorf("bad blob: %s", relative)
			}
		case location.IsLink():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			targets = append(targets, struct{ path, target string }{relative, string(content)})
		default:
			c.t.Errorf("left over: %s", relative)
		}
		return nil
	})
	if err != nil {
		c.t.Error(err)
	}
	for _, link := range targets {
		if !good[digest.Digest(link.target)] {
			c.t.Errorf("link without a blob: %s", link.path)
		}
	}
	return len(good), len(targets)
}

// checkWhole is check for a store that has all of an image.
func (c *cache) checkWhole(i image) {
	c.t.Helper()
	blobs, links := c.check()
	if want := len(i.blobs) + 1; blobs != want {
		c.t.Errorf("%d blobs are stored, want %d", blobs, want)
	}
	if want := len(i.blobs) + 3; links != want { // revision, current and index
		c.t.Errorf("%d links are stored, want %d", links, want)
	}
}
