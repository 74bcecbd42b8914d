package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/opencontainers/go-digest"
)

const (
	// smallBlob is the size up to which a blob is read and checked before the first byte of it is served. All manifests are
	// below it.
	smallBlob = 1 << 20
	// readSize is how much is read at once: a store that needs longer than OpTimeout for it hangs.
	readSize = 512 << 10
)

// Reader implements storagedriver.StorageDriver. distribution reads layers and manifests with it.
func (d *Driver) Reader(ctx context.Context, p string, offset int64) (io.ReadCloser, error) {
	location, request := Parse(p), requestOf(ctx)
	if location.Kind != BlobData {
		return d.open(ctx, p, offset)
	}
	if !d.readable(ctx, location) || !d.blobs.read(location.Digest) {
		request.setTrouble(errBad)
		return nil, d.notThere(p)
	}
	reader, err := d.openBlob(ctx, request, location.Digest, p, offset)
	if err != nil {
		d.release(location.Digest)
		request.setTrouble(err) // whoever opens a blob has been told that it is there
		if !isNotFound(err) {
			d.readFailed(err)
		}
		return nil, d.notThere(p)
	}
	d.observer.Used(location.Digest)
	return reader, nil
}

func (d *Driver) open(ctx context.Context, p string, offset int64) (io.ReadCloser, error) {
	return bounded(d, d.options.OpTimeout, func() (io.ReadCloser, error) {
		return d.inner.Reader(context.WithoutCancel(ctx), p, offset)
	}, func(late io.ReadCloser, err error) {
		if err == nil {
			_ = late.Close()
		}
	})
}

func (d *Driver) openBlob(ctx context.Context, request *Request, dgst digest.Digest, p string, offset int64) (io.ReadCloser, error) {
	known, ok := d.blobs.known(dgst)
	if !ok {
		info, err := bounded(d, d.options.OpTimeout, func() (storagedriver.FileInfo, error) {
			return d.inner.Stat(context.WithoutCancel(ctx), p)
		}, nil)
		if err != nil {
			return nil, err
		}
		known.size = info.Size()
	}
	check := newCheck(dgst, known, ok)
	if known.size <= smallBlob {
		return d.openSmall(ctx, request, check, p, offset)
	}
	file, err := d.open(ctx, p, offset)
	if err != nil {
		return nil, err
	}
	if offset > 0 { // a part of a blob cannot be checked
		check = nil
	}
	return &reader{driver: d, request: request, dgst: dgst, file: file, check: check}, nil
}

// readWhole is GetContent for a file of known size, without its growing buffer. Of a file that is longer than it should be
// it returns enough to see that.
func (d *Driver) readWhole(ctx context.Context, p string, size int64) ([]byte, error) {
	file, err := d.inner.Reader(ctx, p, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	content := make([]byte, size+1)
	n, err := io.ReadFull(file, content)
	if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // io.ReadFull returns them as they are
		err = nil
	}
	return content[:n], err
}

// openSmall reads the whole blob and checks it.
func (d *Driver) openSmall(ctx context.Context, request *Request, check *check, p string, offset int64) (io.ReadCloser, error) {
	content, err := bounded(d, d.options.OpTimeout, func() ([]byte, error) {
		return d.readWhole(context.WithoutCancel(ctx), p, check.want.size)
	}, nil)
	if err != nil {
		return nil, err
	}
	check.add(content)
	if err := check.verify(d); err != nil {
		d.condemn(request, check.dgst, err)
		return nil, err
	}
	r := &reader{driver: d, request: request, dgst: check.dgst}
	r.file = io.NopCloser(bytes.NewReader(content[min(offset, int64(len(content))):]))
	r.memory = true
	return r, nil
}

// check compares what is read of a blob with what it should be: once per process with its digest, from then on with the
// cheaper sum.
type check struct {
	dgst   digest.Digest
	want   sum
	known  bool
	got    sum
	digest hash.Hash // nil if the sum is known
}

func newCheck(dgst digest.Digest, want sum, known bool) *check {
	c := &check{dgst: dgst, want: want, known: known}
	if !known {
		c.digest = newHash(dgst)
	}
	return c
}

func newHash(dgst digest.Digest) hash.Hash {
	if dgst.Algorithm() == digest.SHA256 {
		return sha256.New()
	}
	return dgst.Algorithm().Hash()
}

func (c *check) add(p []byte) {
	c.got.size += int64(len(p))
	c.got.crc = crc32.Update(c.got.crc, castagnoli, p)
	if c.digest != nil {
		c.digest.Write(p)
	}
}

func (c *check) complete() bool { return c.got.size >= c.want.size }

func (c *check) verify(d *Driver) error {
	if c.known {
		if c.got != c.want {
			return fmt.Errorf("%s: %w", c.dgst, errBad)
		}
		return nil
	}
	if hex.EncodeToString(c.digest.Sum(nil)) != c.dgst.Encoded() {
		return fmt.Errorf("%s: %w", c.dgst, errBad)
	}
	d.blobs.know(c.dgst, c.got)
	return nil
}

// reader serves a blob and checks it on the way. An error of the store ends it early: the handler in front of the registry
// goes on from the upstream.
type reader struct {
	driver  *Driver
	request *Request
	dgst    digest.Digest
	file    io.ReadCloser
	memory  bool
	check   *check // nil when there is nothing to check, or no more
	err     error
	closed  bool
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.memory {
		return r.file.Read(p)
	}
	n, err := r.read(p[:min(len(p), readSize)])
	if n > 0 && r.check != nil {
		r.check.add(p[:n])
	}
	if err != nil {
		r.err = err
	}
	r.judge(err)
	return n, err
}

func (r *reader) read(p []byte) (int, error) {
	d, file := r.driver, r.file
	n, err := bounded(d, d.options.OpTimeout, func() (int, error) { return file.Read(p) }, func(int, error) { _ = file.Close() })
	if err == errHangs { //nolint:errorlint // only bounded returns it, as it is
		r.file = nil // closed when it comes back
	}
	return n, err
}

// judge condemns the blob when it turns out to be bad.
func (r *reader) judge(err error) {
	var bad error
	switch {
	case err != nil && err != io.EOF: //nolint:errorlint // io.Reader returns it as it is
		r.request.setTrouble(err)
		r.driver.readFailed(err)
		if causeOf(err) == "io" { // it will not become better
			bad = err
		}
	case r.check != nil && (err != nil || r.check.complete()):
		if bad = r.check.verify(r.driver); bad != nil {
			r.request.setTrouble(bad)
		}
		r.check = nil
	}
	if bad != nil {
		r.driver.condemn(r.request, r.dgst, bad)
	}
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.file != nil {
		_ = r.file.Close() // it was only read
	}
	r.driver.release(r.dgst)
	return nil
}
