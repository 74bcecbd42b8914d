package store

import (
	"context"
	"sync"
	"time"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/opencontainers/go-digest"
)

// upload is what one client fetches from the upstream while it is written to the store.
type upload struct {
	notes  map[string][]byte // small files beside the data
	writer *writer           // nil until distribution opens it
}

// uploads are the uploads of this process, by folder.
type uploads struct {
	mu       sync.Mutex
	byFolder map[string]*upload
}

// writer returns the writer of an upload, or nil.
func (u *uploads) writer(folder string) *writer {
	u.mu.Lock()
	defer u.mu.Unlock()
	if entry := u.byFolder[folder]; entry != nil {
		return entry.writer
	}
	return nil
}

func (u *uploads) has(folder string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.byFolder[folder] != nil
}

func (u *uploads) get(folder string) *upload {
	entry := u.byFolder[folder]
	if entry == nil {
		entry = &upload{notes: map[string][]byte{}}
		u.byFolder[folder] = entry
	}
	return entry
}

// note keeps a small file of an upload until the upload itself is written.
func (u *uploads) note(folder, p string, content []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.get(folder).notes[p] = content
}

// open gives the upload its writer, and the writer the small files.
func (u *uploads) open(folder string, w *writer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	entry := u.get(folder)
	entry.writer, w.notes = w, entry.notes
}

// forget ends an upload, and says whether there was one.
func (u *uploads) forget(folder string) (w *writer, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	entry, ok := u.byFolder[folder]
	if !ok {
		return nil, false
	}
	delete(u.byFolder, folder)
	return entry.writer, true
}

// Writer implements storagedriver.StorageDriver. It returns at once: the file is opened and written behind the client.
func (d *Driver) Writer(ctx context.Context, p string, appending bool) (storagedriver.FileWriter, error) {
	location := Parse(p)
	if location.Kind != Upload || appending {
		return d.inner.Writer(ctx, p, appending) // no pull needs it
	}
	w := newWriter(d, requestOf(ctx), p, location.folder())
	d.uploads.open(location.folder(), w)
	if d.Bypassed() {
		w.fail(errBypassed)
		close(w.done)
		return w, nil
	}
	d.background(w.run)
	return w, nil
}

// uploadInfo is how an upload looks to distribution, which compares its size: all that was written to it, stored or not.
func uploadInfo(p string, w *writer) storagedriver.FileInfo {
	return storagedriver.FileInfoInternal{
		FileInfoFields: storagedriver.FileInfoFields{Path: p, Size: w.Size(), ModTime: time.Now()},
	}
}

// endUpload removes an upload when distribution has no use for it any more, and reports false if it is none of this
// process. One whose writer has not ended is removed by the writer.
func (d *Driver) endUpload(folder string) bool {
	w, ok := d.uploads.forget(folder)
	if !ok || w == nil {
		return ok // nothing was written
	}
	if w.abandon() {
		d.remove(folder)
		return true
	}
	timer := time.NewTimer(d.options.OpTimeout)
	defer timer.Stop()
	select {
	case <-w.done:
	case <-timer.C: // no client waits any more, this is for whoever looks into the store right afterwards
	}
	return true
}

// Move implements storagedriver.StorageDriver. distribution makes an upload a blob with it, after it has compared the
// digest of all that was written.
func (d *Driver) Move(ctx context.Context, source, destination string) error {
	from, to := Parse(source), Parse(destination)
	if from.Kind != Upload || to.Kind != BlobData {
		return d.inner.Move(ctx, source, destination) // no pull needs it
	}
	w := d.uploads.writer(from.folder())
	if w == nil {
		return d.notThere(source)
	}
	s, err := w.result()
	if err != nil {
		return nil //nolint:nilerr // that it was not stored has been said, and the client has it
	}
	if err := d.moveBlob(ctx, source, to.Digest, s); err != nil {
		d.notStored(requestOf(ctx), err)
	}
	return nil
}

func (d *Driver) moveBlob(ctx context.Context, source string, dgst digest.Digest, s sum) error {
	if err := d.beginWrite(dgst); err != nil {
		return err
	}
	destination := Location{Kind: BlobData, Digest: dgst}.Path()
	return try(d, d.options.CommitTimeout, func() error {
		return d.inner.Move(context.WithoutCancel(ctx), source, destination)
	}, func(err error) {
		if err == nil {
			d.committed(dgst, s)
		}
		d.releaseAfterPut(dgst, destination, err)
	})
}
