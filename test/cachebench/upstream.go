package main

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	repository = "library/bench"
	tag        = "1.0"
	// suffixSize is what differs between blobs of one size.
	suffixSize = 16
)

// blob is content that many of its size share but for the end.
type blob struct {
	digest digest.Digest
	body   []byte
	suffix [suffixSize]byte
}

func (b blob) size() int64 { return int64(len(b.body)) + suffixSize }

// upstream is a registry in memory that does nothing for a blob but write it, so that what is measured is the cache.
type upstream struct {
	server   *http.Server
	listener net.Listener
	manifest []byte
	digest   digest.Digest // of the manifest
	bases    map[int64]*base

	mu    sync.RWMutex
	blobs map[string]blob
	next  uint64
}

// base is what the blobs of one size share, with the state of its hash.
type base struct {
	body  []byte
	state []byte
}

// startUpstream serves an image's manifest, and blobs as newBlobs makes them, on loopback.
func startUpstream() (*upstream, error) {
	u := &upstream{bases: map[int64]*base{}, blobs: map[string]blob{}}
	if err := u.makeManifest(); err != nil {
		return nil, err
	}
	var err error
	if u.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listening for upstream: %w", err)
	}
	u.server = &http.Server{Handler: u, ReadHeaderTimeout: time.Minute}
	go func() { _ = u.server.Serve(u.listener) }() // ends with Close
	return u, nil
}

// makeManifest makes a manifest of a usual size.
func (u *upstream) makeManifest() error {
	manifest := v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageManifest,
		Config:    v1.Descriptor{MediaType: v1.MediaTypeImageConfig, Digest: digest.FromString("config"), Size: 6},
	}
	for i := range 9 {
		manifest.Layers = append(manifest.Layers, v1.Descriptor{
			MediaType: v1.MediaTypeImageLayerGzip, Digest: digest.FromString(strconv.Itoa(i)), Size: 1 << 20,
		})
	}
	var err error
	if u.manifest, err = json.Marshal(manifest); err != nil {
		return fmt.Errorf("making manifest: %w", err)
	}
	u.digest = digest.FromBytes(u.manifest)
	return nil
}

// newBlobs adds n blobs that no cache knows.
func (u *upstream) newBlobs(n int, size int64) ([]blob, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	shared, err := u.base(size)
	if err != nil {
		return nil, err
	}
	added := make([]blob, n)
	for i := range added {
		b := blob{body: shared.body}
		u.next++
		binary.BigEndian.PutUint64(b.suffix[:], u.next)
		hash := sha256.New()
		if err := hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(shared.state); err != nil {
			return nil, fmt.Errorf("hashing blob: %w", err)
		}
		hash.Write(b.suffix[:])
		b.digest = digest.NewDigest(digest.SHA256, hash)
		u.blobs[b.digest.String()] = b
		added[i] = b
	}
	return added, nil
}

func (u *upstream) base(size int64) (*base, error) {
	if known := u.bases[size]; known != nil {
		return known, nil
	}
	body := make([]byte, size-suffixSize)
	if _, err := io.ReadFull(rand.NewChaCha8([32]byte{}), body); err != nil {
		return nil, err
	}
	hash := sha256.New()
	hash.Write(body)
	state, err := hash.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("hashing blob: %w", err)
	}
	u.bases[size] = &base{body: body, state: state}
	return u.bases[size], nil
}

// ServeHTTP implements http.Handler.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/v2/"+repository+"/")
	kind, name, _ := strings.Cut(rest, "/")
	switch {
	case r.URL.Path == "/v2/":
	case ok && kind == "manifests" && (name == tag || name == u.digest.String()):
		head(w, v1.MediaTypeImageManifest, u.digest, int64(len(u.manifest)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(u.manifest) // the cache notices
		}
	case ok && kind == "blobs":
		u.serveBlob(w, r, name)
	default:
		http.NotFound(w, r)
	}
}

func (u *upstream) serveBlob(w http.ResponseWriter, r *http.Request, name string) {
	u.mu.RLock()
	b, ok := u.blobs[name]
	u.mu.RUnlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	head(w, "application/octet-stream", b.digest, b.size())
	if r.Method == http.MethodGet {
		if _, err := w.Write(b.body); err == nil {
			_, _ = w.Write(b.suffix[:]) // the cache notices
		}
	}
}

func head(w http.ResponseWriter, mediaType string, dgst digest.Digest, size int64) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.Header().Set("Docker-Content-Digest", dgst.String())
}

func (u *upstream) url() string { return "http://" + u.listener.Addr().String() }

func (u *upstream) close() error { return u.server.Close() }
