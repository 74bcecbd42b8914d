package store

import (
	"context"
	"net/http"
	"path"
	"sync"
	"time"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/opencontainers/go-digest"
)

// Options are the settings of a Driver. The zero value of each is a good default, except for Metrics.
type Options struct {
	// Observer is told what happens. Default: Nobody.
	Observer Observer
	// Metrics is what is counted.
	Metrics *Metrics
	// OpTimeout is how long a client waits for an operation of the store before the store counts as hanging. Default: 2 s.
	OpTimeout time.Duration
	// CommitTimeout is the same for what no client waits for: the last write and the synchronization of a blob.
	// Default: 30 s.
	CommitTimeout time.Duration
	// RetryAfter is how long a hanging store is left alone before it is tried again. Default: 30 s.
	RetryAfter time.Duration
}

// Driver is a storage driver that never lets the store's trouble through: see the package. It says of a write that cannot
// be done that it was done, and of what cannot be read that it is not there.
type Driver struct {
	inner      storagedriver.StorageDriver
	options    Options
	observer   Observer
	metrics    *Metrics
	breaker    breaker
	blobs      *blobs
	complaints Complaints
	uploads    uploads
	leftovers  leftovers
	running    sync.WaitGroup
	closed     chan struct{}
	closeOnce  sync.Once
}

var (
	_ storagedriver.StorageDriver = (*Driver)(nil)
	_ Evictor                     = (*Driver)(nil)
)

// New wraps a storage driver.
func New(inner storagedriver.StorageDriver, options Options) *Driver {
	if options.Observer == nil {
		options.Observer = Nobody{}
	}
	options.OpTimeout = orDefault(options.OpTimeout, 2*time.Second)
	options.CommitTimeout = orDefault(options.CommitTimeout, 30*time.Second)
	options.RetryAfter = orDefault(options.RetryAfter, 30*time.Second)
	return &Driver{
		inner:    inner,
		options:  options,
		observer: options.Observer,
		metrics:  options.Metrics,
		blobs:    newBlobs(),
		uploads:  uploads{byFolder: map[string]*upload{}},
		closed:   make(chan struct{}),
	}
}

func orDefault(value, otherwise time.Duration) time.Duration {
	if value <= 0 {
		return otherwise
	}
	return value
}

// Close ends what runs in the background, as far as the store lets it: it waits for OpTimeout at most.
func (d *Driver) Close() error {
	d.closeOnce.Do(func() { close(d.closed) })
	done := make(chan struct{})
	go func() {
		d.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(d.options.OpTimeout):
		return errHangs
	}
}

// Name is the name of the wrapped driver.
func (d *Driver) Name() string { return d.inner.Name() }

// RedirectURL never redirects: the clients of a cache cannot reach its volume.
func (d *Driver) RedirectURL(*http.Request, string) (string, error) { return "", nil }

// Bypassed implements Evictor.
func (d *Driver) Bypassed() bool { return d.breaker.isOpen() }

// Uploading implements Evictor.
func (d *Driver) Uploading(repository, id string) bool {
	return d.uploads.has(Location{Kind: Upload, Repository: repository, ID: id}.Path())
}

// Evict implements Evictor.
func (d *Driver) Evict(dgst digest.Digest, remove func() error) (evicted bool, err error) {
	if d.Bypassed() || !d.blobs.remove(dgst) {
		return false, nil
	}
	err = remove()
	d.blobs.removed(dgst, err == nil)
	return true, err
}

// notThere is how a path looks that is not there, or had better not be.
func (d *Driver) notThere(path string) error {
	return storagedriver.PathNotFoundError{Path: path, DriverName: d.inner.Name()}
}

// readFailed notes that the store could not be read.
func (d *Driver) readFailed(err error) {
	d.metrics.Errors.WithLabelValues(causeOf(err)).Inc()
	d.complaints.Warn("the store cannot be read; pulls go on from the upstream", err)
}

// notStored notes that something of a pull was not stored.
func (d *Driver) notStored(request *Request, err error) {
	cause := causeOf(err)
	d.metrics.Errors.WithLabelValues(cause).Inc()
	if request.first() {
		d.metrics.NotStored.WithLabelValues(cause).Inc()
	}
	d.complaints.Warn("the store cannot be written; pulls go on without being stored", err)
	if isNoSpace(err) {
		d.observer.NoSpace(err)
	}
}

// condemn sees to it that a bad blob is served no more and goes away as soon as nobody reads it.
func (d *Driver) condemn(request *Request, dgst digest.Digest, cause error) {
	d.metrics.Bad.Inc()
	d.complaints.Warn("a blob in the store is bad and is dropped", cause)
	d.blobs.condemn(dgst, cause, request.linksTo(dgst))
	d.execute(dgst)
}

// release ends a use of a blob.
func (d *Driver) release(dgst digest.Digest) {
	d.blobs.release(dgst)
	d.execute(dgst)
}

// execute removes a condemned blob that nobody uses: first the links that are known here, the keeper knows them all.
func (d *Driver) execute(dgst digest.Digest) {
	links, cause := d.blobs.sentence(dgst)
	if cause == nil || !d.blobs.remove(dgst) {
		return
	}
	d.background(func() {
		ctx := context.Background()
		for _, link := range links {
			_ = d.inner.Delete(ctx, path.Dir(link)) // a link without a blob is no blob for distribution
		}
		err := d.inner.Delete(ctx, BlobFolder(dgst))
		d.observer.Bad(dgst, cause) // before anybody can fetch it anew
		d.blobs.removed(dgst, err == nil || isNotFound(err))
	})
}

// Stat implements storagedriver.StorageDriver.
func (d *Driver) Stat(ctx context.Context, p string) (storagedriver.FileInfo, error) {
	info, err := d.stat(ctx, p)
	if err != nil {
		requestOf(ctx).missed(p)
		return nil, err
	}
	requestOf(ctx).found(p)
	return info, nil
}

func (d *Driver) stat(ctx context.Context, p string) (storagedriver.FileInfo, error) {
	location := Parse(p)
	if location.Kind == Upload {
		if w := d.uploads.writer(location.folder()); w != nil && location.File == dataFile {
			return uploadInfo(p, w), nil
		}
	} else if !d.readable(ctx, location) {
		return nil, d.notThere(p)
	}
	info, err := bounded(d, d.options.OpTimeout, func() (storagedriver.FileInfo, error) {
		return d.inner.Stat(context.WithoutCancel(ctx), p)
	}, nil)
	if err != nil {
		if !isNotFound(err) {
			d.readFailed(err)
		}
		return nil, d.notThere(p)
	}
	if location.Kind == BlobData && !d.plausible(location.Digest, info) {
		d.condemn(requestOf(ctx), location.Digest, errBad)
		return nil, d.notThere(p)
	}
	return info, nil
}

// plausible says whether a blob has a size that it can have.
func (d *Driver) plausible(dgst digest.Digest, info storagedriver.FileInfo) bool {
	if s, ok := d.blobs.known(dgst); ok {
		return s.size == info.Size()
	}
	return info.Size() > 0 || dgst == dgst.Algorithm().FromBytes(nil)
}

// readable says whether the store is to be asked at all.
func (d *Driver) readable(ctx context.Context, location Location) bool {
	if requestOf(ctx).bypass && (location.Kind == BlobData || location.IsLink()) {
		return false
	}
	return location.Digest == "" || d.blobs.servable(location.Digest)
}

// GetContent implements storagedriver.StorageDriver. distribution reads links and the like with it.
func (d *Driver) GetContent(ctx context.Context, p string) ([]byte, error) {
	content, err := d.getContent(ctx, p)
	if err != nil {
		requestOf(ctx).missed(p)
		return nil, err
	}
	requestOf(ctx).found(p)
	return content, nil
}

func (d *Driver) getContent(ctx context.Context, p string) ([]byte, error) {
	location := Parse(p)
	if !d.readable(ctx, location) {
		return nil, d.notThere(p)
	}
	content, err := d.get(ctx, p)
	if err != nil {
		if !isNotFound(err) {
			d.readFailed(err)
		}
		return nil, d.notThere(p)
	}
	if !location.IsLink() {
		return content, nil
	}
	target, err := digest.Parse(string(content))
	if err != nil { // after a crash a link may be empty
		d.complaints.Warn("a link in the store is bad and is dropped", err)
		d.background(func() { _ = d.inner.Delete(context.Background(), path.Dir(p)) }) // not later: it may be written anew
		return nil, d.notThere(p)
	}
	if !d.blobs.servable(target) {
		return nil, d.notThere(p)
	}
	requestOf(ctx).sawLink(target, p)
	return content, nil
}

func (d *Driver) get(ctx context.Context, p string) ([]byte, error) {
	return bounded(d, d.options.OpTimeout, func() ([]byte, error) {
		return d.inner.GetContent(context.WithoutCancel(ctx), p)
	}, nil)
}

// List implements storagedriver.StorageDriver. No pull needs it.
func (d *Driver) List(ctx context.Context, p string) ([]string, error) {
	if d.Bypassed() {
		return nil, d.notThere(p)
	}
	return d.inner.List(ctx, p)
}

// Walk implements storagedriver.StorageDriver. No pull needs it.
func (d *Driver) Walk(ctx context.Context, p string, f storagedriver.WalkFn, options ...func(*storagedriver.WalkOptions)) error {
	if d.Bypassed() {
		return d.notThere(p)
	}
	return d.inner.Walk(ctx, p, f, options...)
}

// Delete implements storagedriver.StorageDriver. distribution removes uploads with it.
func (d *Driver) Delete(_ context.Context, p string) error {
	if location := Parse(p); location.Kind == Upload && d.endUpload(p) {
		return nil
	}
	d.remove(p)
	return nil
}

// remove deletes a path, or keeps it in mind until it can be deleted.
func (d *Driver) remove(p string) {
	_ = try(d, d.options.OpTimeout, func() error {
		return d.inner.Delete(context.Background(), p)
	}, func(err error) {
		if err != nil && !isNotFound(err) {
			d.later(p)
		}
	})
}
