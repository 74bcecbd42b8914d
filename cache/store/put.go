package store

import (
	"bytes"
	"context"
	"hash/crc32"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/opencontainers/go-digest"
)

// castagnoli is the polynomial that processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// PutContent implements storagedriver.StorageDriver. distribution writes manifests and links with it, and a note beside
// each upload.
func (d *Driver) PutContent(ctx context.Context, p string, content []byte) error {
	location, request := Parse(p), requestOf(ctx)
	switch {
	case location.Kind == Upload:
		d.uploads.note(location.folder(), p, content) // written together with the upload itself
		return nil
	case location.Kind == BlobData:
		if err := d.putBlob(ctx, location.Digest, p, content); err != nil {
			d.notStored(request, err)
		}
		return nil
	case location.IsLink():
		target, err := digest.Parse(string(content))
		if err != nil {
			return err
		}
		if location.Kind == TagCurrent {
			location.Digest = target
		}
		if err := d.putLink(ctx, location, target, content); err != nil {
			d.notStored(request, err)
		}
		return nil
	}
	if err := d.put(ctx, p, content, nil); err != nil {
		d.notStored(request, err)
	}
	return nil
}

// put writes a small file. When it comes back after the client has gone on, the result is still good for whoever comes
// next; done is told.
func (d *Driver) put(ctx context.Context, p string, content []byte, done func(error)) error {
	return try(d, d.options.OpTimeout, func() error {
		return d.inner.PutContent(context.WithoutCancel(ctx), p, content)
	}, done)
}

// beginWrite begins a use of a blob by somebody who writes it or a link to it, which release ends. While the store is bypassed
// nobody waits for a removal, which may be what hangs.
func (d *Driver) beginWrite(dgst digest.Digest) error {
	if d.Bypassed() {
		return errBypassed
	}
	if !d.blobs.write(dgst, d.options.OpTimeout) {
		return errBusy
	}
	return nil
}

// putBlob stores a manifest.
func (d *Driver) putBlob(ctx context.Context, dgst digest.Digest, p string, content []byte) error {
	if err := d.beginWrite(dgst); err != nil {
		return err
	}
	return d.put(ctx, p, content, func(err error) {
		if err == nil {
			d.committed(dgst, sum{size: int64(len(content)), crc: crc32.Checksum(content, castagnoli)})
		}
		d.releaseAfterPut(dgst, p, err)
	})
}

// releaseAfterPut ends the use of a blob for which something was written. What a failed write left goes, if nobody else is
// writing for the same blob; if somebody is, it is left to them, or to the keeper.
func (d *Driver) releaseAfterPut(dgst digest.Digest, p string, err error) {
	d.release(dgst)
	if err == nil || !d.blobs.remove(dgst) {
		return
	}
	d.background(func() {
		d.tidyUp(p)
		d.blobs.removed(dgst, false)
	})
}

// committed says that a blob is in the store.
func (d *Driver) committed(dgst digest.Digest, s sum) {
	d.blobs.know(dgst, s)
	d.blobs.acquit(dgst)
	d.observer.Committed(dgst, s.size)
}

// putLink writes a link, if its blob is in the store. A tag whose manifest is not there yet is written after it.
func (d *Driver) putLink(ctx context.Context, link Location, target digest.Digest, content []byte) error {
	if err := d.beginWrite(target); err != nil {
		return err
	}
	if !d.stored(ctx, target) {
		d.release(target)
		if link.Kind == TagCurrent || link.Kind == TagIndex {
			requestOf(ctx).later(link, content)
		}
		return nil // that the blob was not stored has been said
	}
	if old, err := d.get(ctx, link.Path()); err == nil && bytes.Equal(old, content) {
		d.release(target)
		d.observer.Linked(link)
		return nil
	}
	err := d.put(ctx, link.Path(), content, func(err error) {
		if err == nil {
			d.observer.Linked(link)
		}
		d.releaseAfterPut(target, link.Path(), err)
	})
	if err != nil {
		return err
	}
	return d.putPostponed(ctx, link, target)
}

// putPostponed writes the tags that waited for a manifest.
func (d *Driver) putPostponed(ctx context.Context, link Location, target digest.Digest) error {
	if link.Kind != RevisionLink {
		return nil
	}
	for _, tag := range requestOf(ctx).takePostponed(target) {
		if err := d.putLink(ctx, tag.link, target, tag.content); err != nil {
			return err
		}
	}
	return nil
}

// stored says whether a blob is in the store and may be served. Whoever asks holds a use of it.
func (d *Driver) stored(ctx context.Context, dgst digest.Digest) bool {
	if !d.blobs.servable(dgst) {
		return false
	}
	info, err := bounded(d, d.options.OpTimeout, func() (storagedriver.FileInfo, error) {
		return d.inner.Stat(context.WithoutCancel(ctx), Location{Kind: BlobData, Digest: dgst}.Path())
	}, nil)
	return err == nil && !info.IsDir() && d.plausible(dgst, info)
}
