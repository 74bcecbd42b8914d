package store

import (
	"encoding/hex"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

// sum is what is known of a blob whose content was right once: enough to see a flipped bit at a tenth of SHA-256's price.
type sum struct {
	size int64
	crc  uint32
}

// blob is the state of a blob that somebody uses, that is being removed, or that must not be served.
type blob struct {
	users     int
	removing  chan struct{} // closed when the removal has ended; nil while there is none
	condemned error         // why it must not be served
	links     []string      // what is to be removed with a condemned blob
}

// blobs knows who uses which blob.
type blobs struct {
	mu    sync.Mutex
	inUse map[digest.Digest]*blob
	sums  map[[32]byte]sum
}

func newBlobs() *blobs {
	return &blobs{inUse: map[digest.Digest]*blob{}, sums: map[[32]byte]sum{}}
}

func (b *blobs) get(dgst digest.Digest) *blob {
	entry := b.inUse[dgst]
	if entry == nil {
		entry = &blob{}
		b.inUse[dgst] = entry
	}
	return entry
}

// servable says whether the blob may be served.
func (b *blobs) servable(dgst digest.Digest) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	entry := b.inUse[dgst]
	return entry == nil || entry.removing == nil && entry.condemned == nil
}

// read begins a use of the blob that release ends.
func (b *blobs) read(dgst digest.Digest) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if entry := b.inUse[dgst]; entry != nil && (entry.removing != nil || entry.condemned != nil) {
		return false
	}
	b.get(dgst).users++
	return true
}

// write is read for somebody who writes the blob or a link to it: it waits for a removal to end.
func (b *blobs) write(dgst digest.Digest, limit time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if entry := b.get(dgst); entry.removing != nil {
		removed := entry.removing
		b.mu.Unlock()
		timer := time.NewTimer(limit)
		select {
		case <-removed:
		case <-timer.C:
		}
		timer.Stop()
		b.mu.Lock()
	}
	entry := b.get(dgst)
	if entry.removing != nil {
		return false
	}
	entry.users++
	return true
}

// remove begins a removal that removed ends, unless somebody uses the blob.
func (b *blobs) remove(dgst digest.Digest) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	entry := b.get(dgst)
	if entry.users > 0 || entry.removing != nil {
		return false
	}
	entry.removing = make(chan struct{})
	return true
}

// removed ends a removal. When it succeeded, nothing of the blob is left to be condemned.
func (b *blobs) removed(dgst digest.Digest, succeeded bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	entry := b.get(dgst)
	close(entry.removing)
	entry.removing = nil
	if succeeded {
		entry.condemned, entry.links = nil, nil
		b.forget(dgst)
	}
	b.tidy(dgst, entry)
}

func (b *blobs) tidy(dgst digest.Digest, entry *blob) {
	if entry.users == 0 && entry.removing == nil && entry.condemned == nil {
		delete(b.inUse, dgst)
	}
}

// condemn says that the blob must not be served any more.
func (b *blobs) condemn(dgst digest.Digest, cause error, links []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	entry := b.get(dgst)
	if entry.condemned == nil {
		entry.condemned = cause
	}
	entry.links = append(entry.links, links...)
	b.forget(dgst)
}

// acquit says that the blob was written anew.
func (b *blobs) acquit(dgst digest.Digest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if entry := b.inUse[dgst]; entry != nil {
		entry.condemned, entry.links = nil, nil
	}
}

// sentence returns why the blob is condemned, if it is and nobody uses it, and what is to be removed with it.
func (b *blobs) sentence(dgst digest.Digest) (links []string, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if entry := b.inUse[dgst]; entry != nil && entry.users == 0 && entry.removing == nil {
		return entry.links, entry.condemned
	}
	return nil, nil
}

func (b *blobs) release(dgst digest.Digest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	entry := b.get(dgst)
	entry.users--
	b.tidy(dgst, entry)
}

func key(dgst digest.Digest) (key [32]byte, ok bool) {
	if dgst.Algorithm() != digest.SHA256 {
		return key, false
	}
	n, err := hex.Decode(key[:], []byte(dgst.Encoded()))
	return key, err == nil && n == len(key)
}

// know keeps the sum of a blob whose content is right.
func (b *blobs) know(dgst digest.Digest, s sum) {
	if k, ok := key(dgst); ok {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.sums[k] = s
	}
}

func (b *blobs) known(dgst digest.Digest) (sum, bool) {
	k, ok := key(dgst)
	if !ok {
		return sum{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.sums[k]
	return s, ok
}

// forget is called with the lock held.
func (b *blobs) forget(dgst digest.Digest) {
	if k, ok := key(dgst); ok {
		delete(b.sums, k)
	}
}
