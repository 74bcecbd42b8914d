package front_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	"github.com/prometheus/client_golang/prometheus"

	upstreamtransport "github.com/registry-cache/registry-cache/cache/upstream"
)

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// image is what is pulled: a manifest, a configuration and layers.
type image struct {
	repository, tag string
	manifest        []byte
	blobs           [][]byte
}

func (i image) digest() digest.Digest { return digest.FromBytes(i.manifest) }

// newImage makes an image whose blobs have these sizes; its content follows from seed.
func newImage(repository string, seed uint64, sizes ...int) image {
	i := image{repository: repository, tag: "latest"}
	key := sha256.Sum256([]byte(fmt.Sprint(repository, seed)))
	source := rand.NewChaCha8(key)
	var descriptors []string
	for _, size := range sizes {
		blob := make([]byte, size)
		_, _ = source.Read(blob)
		i.blobs = append(i.blobs, blob)
		descriptors = append(descriptors, fmt.Sprintf(
			`{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}`, digest.FromBytes(blob), size))
	}
	i.manifest = fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`,
		manifestType, descriptors[0], strings.Join(descriptors[1:], ","))
	return i
}

// upstream is a registry without a network: a transport for one host.
type upstream struct {
	host     string
	mu       sync.Mutex
	content  map[string][]byte // by the end of the path
	down     bool
	cut      int          // after so many bytes a body breaks off; 0: never
	requests atomic.Int64 // of whole blobs and manifests
}

// router sends the requests of distribution, which knows no transport but the default one, to the upstreams of all tests.
type router struct{ upstreams sync.Map }

var transports = &router{}

func init() { http.DefaultTransport = upstreamtransport.New(transports, prometheus.NewRegistry()) }

var hosts atomic.Int64

func newUpstream(images ...image) *upstream {
	u := &upstream{host: fmt.Sprintf("upstream-%d.test", hosts.Add(1)), content: map[string][]byte{}}
	for _, i := range images {
		u.add(i)
	}
	transports.upstreams.Store(u.host, u)
	return u
}

func (u *upstream) add(i image) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.content[i.repository+"/manifests/"+i.tag] = i.manifest
	u.content[i.repository+"/manifests/"+i.digest().String()] = i.manifest
	for _, blob := range i.blobs {
		u.content[i.repository+"/blobs/"+digest.FromBytes(blob).String()] = blob
	}
}

func (u *upstream) setDown(down bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.down = down
}

// RoundTrip implements http.RoundTripper.
func (r *router) RoundTrip(request *http.Request) (*http.Response, error) {
	u, ok := r.upstreams.Load(request.URL.Host)
	if !ok {
		return nil, errors.New("no such host")
	}
	return u.(*upstream).answer(request)
}

func (u *upstream) answer(request *http.Request) (*http.Response, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.down {
		return nil, errors.New("connection refused")
	}
	path := strings.TrimPrefix(request.URL.Path, "/v2/")
	content, ok := u.content[path]
	response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: request, Body: http.NoBody, ProtoMajor: 1}
	switch {
	case path == "":
		return response, nil
	case !ok:
		response.StatusCode = http.StatusNotFound
		response.Header.Set("Content-Type", "application/json")
		response.Body = io.NopCloser(strings.NewReader(`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`))
		return response, nil
	}
	response.ContentLength = int64(len(content))
	response.Header.Set("Content-Length", strconv.Itoa(len(content)))
	response.Header.Set("Docker-Content-Digest", digest.FromBytes(content).String())
	if strings.Contains(path, "/manifests/") {
		response.Header.Set("Content-Type", manifestType)
	}
	if request.Method == http.MethodGet {
		u.requests.Add(1)
		response.Body = io.NopCloser(strings.NewReader(string(content)))
		if u.cut > 0 && u.cut <= len(content) {
			response.Body = io.NopCloser(io.MultiReader(strings.NewReader(string(content[:u.cut-1])), broken{}))
		}
	}
	return response, nil
}

// broken is a connection that was reset.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
