package store

import (
	"context"

	"github.com/opencontainers/go-digest"
)

// Observer is told what happens in the store. The driver calls it on the path of a pull, so every method must return at
// once: no I/O, no wait for anything that waits for I/O (a short lock around a map, or a channel that drops when it is
// full). All methods may be called at the same time, before Start and after Close too.
type Observer interface {
	// Committed says that the blob (a layer, a configuration or a manifest) is in the store under its final path, whole
	// and of the right digest. It is said again when the same content is written again.
	Committed(dgst digest.Digest, size int64)
	// Linked says that a link was written (a layer, a revision, a tag's current or index link). A link is written only
	// while its blob is in the store: Committed came before, in this process or in an earlier one. It is also said when
	// the link was there already with the same content, so a keeper that has not walked so far learns of it.
	Linked(link Location)
	// Used says that a blob was served from the store, once per read, when the read begins.
	Used(dgst digest.Digest)
	// Bad says that the blob's content is not what its digest says, or cannot be read. The driver serves it no more and has
	// removed its file, or tried to; what is left is links that point to nothing (use Evict, as for any eviction: the
	// same digest may be fetched anew at this very moment, and Committed says so when it is).
	Bad(dgst digest.Digest, cause error)
	// NoSpace says that a write failed for want of room (ENOSPC, EDQUOT). What failed was not stored.
	NoSpace(cause error)
}

// Evictor is what a keeper may ask of the driver, at any time and from any goroutine.
type Evictor interface {
	// Evict calls remove while nobody reads or writes the blob, and reports false, without calling it, when somebody does
	// or when the store is bypassed. Until remove returns, readers are told that the blob is not there (and go to the
	// upstream), and nobody can commit it or write a link to it: what they would have stored is given up. So remove
	// should do what it does with few system calls: links first, the blob last. Its error is returned as it is.
	Evict(dgst digest.Digest, remove func() error) (evicted bool, err error)
	// Uploading says whether the upload is being written by this process. A folder in _uploads for which it is false is
	// abandoned.
	Uploading(repository, id string) bool
	// Bypassed says whether the store hangs and is left alone until it answers again.
	Bypassed() bool
}

// Keeper is what the program runs beside the driver.
type Keeper interface {
	Observer
	// Start begins the keeper's work in the background and returns at once. It ends with ctx.
	Start(ctx context.Context, driver Evictor)
	// Close waits until the work has ended, at most a few seconds.
	Close() error
}

// Nobody is an observer that listens to nothing.
type Nobody struct{}

// Committed does nothing.
func (Nobody) Committed(digest.Digest, int64) {}

// Linked does nothing.
func (Nobody) Linked(Location) {}

// Used does nothing.
func (Nobody) Used(digest.Digest) {}

// Bad does nothing.
func (Nobody) Bad(digest.Digest, error) {}

// NoSpace does nothing.
func (Nobody) NoSpace(error) {}

// Start does nothing.
func (Nobody) Start(context.Context, Evictor) {}

// Close does nothing.
func (Nobody) Close() error { return nil }

var _ Keeper = Nobody{}
