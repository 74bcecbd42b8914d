package registries

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"
)

// layersAtOnce is what containerd downloads at once by default.
const layersAtOnce = 3

// PushRandomImage makes an image of so many layers of about so many bytes each and stores it in the upstream as
// "repository:tag", for example "library/demo:1.0". The same layers, size and seed are the same image. It does not go
// through the network: it needs no credentials, is not slowed and not counted.
func (u *Upstream) PushRandomImage(ctx context.Context, repositoryAndTag string, layers, layerSize, seed int64) (v1.Image, error) {
	image, err := random.Image(layerSize, layers, random.WithSource(rand.NewSource(seed)))
	if err != nil {
		return nil, fmt.Errorf("making random image: %w", err)
	}
	reference, err := name.ParseReference(u.Host() + "/" + repositoryAndTag)
	if err != nil {
		return nil, fmt.Errorf("naming random image: %w", err)
	}
	err = remote.Write(reference, image, remote.WithContext(ctx), remote.WithTransport(u.InMemory()), remote.WithJobs(2))
	if err != nil {
		return nil, fmt.Errorf("pushing random image %s: %w", repositoryAndTag, err)
	}
	return image, nil
}

// PullOptions says how to pull.
type PullOptions struct {
	// CA verifies a registry with TLS.
	CA *CA
	// Progress, if set, is called with each number of bytes that arrived, from several goroutines at once.
	Progress func(bytes int64)
}

// PullResult is what was pulled.
type PullResult struct {
	Digest   string
	Layers   int
	Bytes    int64
	Duration time.Duration
}

// Pull fetches an image as a container runtime does: the manifest by its tag or digest, then the config and the layers,
// a few at once, every digest verified, nothing tried twice. The content is thrown away.
func Pull(ctx context.Context, image string, options PullOptions) (PullResult, error) {
	reference, err := name.ParseReference(image)
	if err != nil {
		return PullResult{}, fmt.Errorf("parsing image name: %w", err)
	}
	transport := newTransport(options.CA)
	defer transport.CloseIdleConnections()
	start := time.Now()
	result, err := pull(ctx, reference, transport, options.Progress)
	if err != nil {
		return PullResult{}, fmt.Errorf("pulling %s: %w", image, err)
	}
	result.Duration = time.Since(start)
	return result, nil
}

func pull(ctx context.Context, reference name.Reference, transport http.RoundTripper, progress func(int64)) (PullResult, error) {
	image, err := remote.Image(reference, remote.WithContext(ctx), remote.WithTransport(toTheEnd{transport}),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}))
	if err != nil {
		return PullResult{}, err
	}
	digest, err := image.Digest()
	if err != nil {
		return PullResult{}, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return PullResult{}, err
	}
	if _, err := image.RawConfigFile(); err != nil {
		return PullResult{}, fmt.Errorf("fetching config: %w", err)
	}
	layers, err := image.Layers()
	if err != nil {
		return PullResult{}, err
	}
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(layersAtOnce)
	result := PullResult{Digest: digest.String(), Layers: len(layers), Bytes: manifest.Config.Size}
	for i, layer := range layers {
		result.Bytes += manifest.Layers[i].Size
		group.Go(func() error { return fetchLayer(layer, progress) })
	}
	return result, group.Wait()
}

// fetchLayer reads a layer to its end, where its digest is verified.
func fetchLayer(layer v1.Layer, progress func(int64)) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	content, err := layer.Compressed()
	if err != nil {
		return fmt.Errorf("fetching layer %s: %w", digest, err)
	}
	defer func() { _ = content.Close() }()
	if _, err := io.Copy(progressWriter(progress), content); err != nil {
		return fmt.Errorf("reading layer %s: %w", digest, err)
	}
	return nil
}

// progressWriter counts what is written and drops it.
type progressWriter func(int64)

// Write implements io.Writer.
func (p progressWriter) Write(b []byte) (int, error) {
	if p != nil {
		p(int64(len(b)))
	}
	return len(b), nil
}

// newTransport returns a transport without proxies that trusts the CA and nobody else.
func newTransport(ca *CA) *http.Transport {
	transport := &http.Transport{}
	if ca != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}
		transport.ForceAttemptHTTP2 = true
	}
	return transport
}

// toTheEnd makes go-containerregistry read each body to its end as container runtimes do. By itself it closes a body as
// soon as it has the bytes of a layer; with HTTP/2 that resets the stream, which now and then reaches distribution while
// it still waits for its last write, and makes it throw away what it has just stored.
type toTheEnd struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t toTheEnd) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(request)
	if err == nil {
		response.Body = bodyToTheEnd{response.Body}
	}
	return response, err
}

type bodyToTheEnd struct{ io.ReadCloser }

// Close reads on to the end, if that is near, and closes.
func (b bodyToTheEnd) Close() error {
	_, _ = io.CopyN(io.Discard, b.ReadCloser, 512) // that it ends is what we want
	return b.ReadCloser.Close()
}
