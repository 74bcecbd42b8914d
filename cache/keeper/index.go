package keeper

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/registry-cache/registry-cache/cache/store"
)

// absent is the size of a blob of which links are known and a file is not.
const absent = -1

// blob is what is known of a blob.
type blob struct {
	size    int64
	used    int64  // last use, in nanoseconds since 1970
	links   []link // in no order
	touched uint32 // last use on disk, as are all below in seconds since 1970; 0 if not known
	fetched uint32 // 0 for content without a schedule
	expires uint32
	pass    uint8 // the last pass that saw its file
}

// link is a link to a blob.
type link struct {
	repository, tag uint32
	kind            uint8 // store.Kind
	pass            uint8 // the last pass that saw it
}

// tagID is a tag of a repository.
type tagID struct{ repository, tag uint32 }

// index knows all blobs and links. Its methods hold the lock for as long as a map takes; those that go through everything
// take it many times.
type index struct {
	mu       sync.Mutex
	blobs    map[key]*blob
	bytes    int64
	names    names
	current  map[tagID]*blob
	bad      map[key]struct{} // blobs that the driver has dropped
	pass     uint8
	earliest int64 // no content expires before, in seconds since 1970
	dirty    bool  // the schedule has changed since it was saved
}

func newIndex() *index {
	return &index{
		blobs:    map[key]*blob{},
		names:    newNames(),
		current:  map[tagID]*blob{},
		bad:      map[key]struct{}{},
		earliest: math.MaxInt64,
	}
}

// seconds is a time as it is kept; times that cannot be kept are the nearest that can.
func seconds(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), math.MaxUint32)) //nolint:gosec // it fits now
}

// entry returns what is known of a blob, which may be nothing so far. As all below it is called with the lock held.
func (x *index) entry(key key) *blob {
	b := x.blobs[key]
	if b == nil {
		b = &blob{size: absent, pass: x.pass}
		x.blobs[key] = b
	}
	return b
}

func (x *index) resize(b *blob, size int64) {
	x.bytes += max(size, 0) - max(b.size, 0)
	b.size = size
}

// schedule says when the blob expires. Without a TTL content has no schedule.
func (x *index) schedule(b *blob, fetched time.Time, ttl time.Duration) {
	x.changed(b)
	b.fetched, b.expires = 0, 0
	if ttl > 0 {
		b.fetched, b.expires = seconds(fetched), seconds(fetched.Add(ttl).Add(time.Second-1))
		x.earliest = min(x.earliest, int64(b.expires))
	}
	x.changed(b)
}

// changed notes a change of a blob that is of interest to the schedule, if the blob has one.
func (x *index) changed(b *blob) { x.dirty = x.dirty || b.fetched != 0 }

func (x *index) committed(key key, size int64, now time.Time, ttl time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.entry(key)
	x.resize(b, size)
	b.used, b.touched, b.pass = now.UnixNano(), seconds(now), x.pass
	x.schedule(b, now, ttl)
	delete(x.bad, key)
}

func (x *index) used(key key, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.entry(key).used = now.UnixNano()
}

func (x *index) condemn(key key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.bad[key] = struct{}{}
}

func (x *index) condemned() []key {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := make([]key, 0, len(x.bad))
	for key := range x.bad {
		keys = append(keys, key)
	}
	return keys
}

// linked notes a link that was written.
func (x *index) linked(key key, location store.Location, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.entry(key)
	b.used = now.UnixNano()
	if x.link(b, location) {
		x.changed(b)
	}
}

// link adds a link to a blob and says whether it is new.
func (x *index) link(b *blob, location store.Location) (added bool) {
	l := link{
		repository: x.names.take(location.Repository),
		tag:        x.names.take(location.Tag),
		kind:       uint8(location.Kind), //nolint:gosec // there are seven
		pass:       x.pass,
	}
	if location.Kind == store.TagCurrent {
		x.move(tagID{l.repository, l.tag}, b)
	}
	if i := b.find(l); i >= 0 {
		b.links[i].pass = x.pass
		x.free(l)
		return false
	}
	b.links = append(b.links, l)
	return true
}

// move says what a tag points to.
func (x *index) move(tag tagID, to *blob) {
	if from := x.current[tag]; from != nil && from != to {
		x.unlink(from, link{repository: tag.repository, tag: tag.tag, kind: uint8(store.TagCurrent)})
	}
	x.current[tag] = to
}

// unlink removes a link from a blob.
func (x *index) unlink(b *blob, l link) {
	i := b.find(l)
	if i < 0 {
		return
	}
	b.links = slices.Delete(b.links, i, i+1)
	x.forget(b, l)
}

// forget is for a link that was removed from a blob.
func (x *index) forget(b *blob, l link) {
	if tag := (tagID{l.repository, l.tag}); store.Kind(l.kind) == store.TagCurrent && x.current[tag] == b {
		delete(x.current, tag)
	}
	x.free(l)
	x.changed(b)
}

func (x *index) free(l link) {
	x.names.release(l.repository)
	x.names.release(l.tag)
}

func (b *blob) find(l link) int {
	return slices.IndexFunc(b.links, func(other link) bool {
		return other.repository == l.repository && other.tag == l.tag && other.kind == l.kind
	})
}

// remove forgets a blob and its links.
func (x *index) remove(key key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.bad, key)
	b := x.blobs[key]
	if b == nil {
		return
	}
	for _, l := range b.links {
		x.forget(b, l)
	}
	x.resize(b, absent)
	x.changed(b)
	delete(x.blobs, key)
}

// removeLink forgets a link.
func (x *index) removeLink(key key, location store.Location) {
	x.mu.Lock()
	defer x.mu.Unlock()
	repository, tag := x.names.take(location.Repository), x.names.take(location.Tag)
	l := link{repository: repository, tag: tag, kind: uint8(location.Kind)} //nolint:gosec // there are seven
	if b := x.blobs[key]; b != nil {
		x.unlink(b, l)
	}
	x.free(l)
}

// links returns where the links to a blob are, those of tags first: what is left when their removal ends half way is
// content without a tag rather than a tag without content.
func (x *index) links(key key) []store.Location {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.blobs[key]
	if b == nil {
		return nil
	}
	dgst := key.digest()
	locations := make([]store.Location, 0, len(b.links))
	for _, l := range b.links {
		locations = append(locations, store.Location{
			Kind: store.Kind(l.kind), Repository: x.names.text(l.repository), Tag: x.names.text(l.tag), Digest: dgst,
		})
	}
	slices.SortFunc(locations, func(a, b store.Location) int { return cmp.Compare(b.Kind, a.Kind) })
	return locations
}

// candidate is a blob that may be removed.
type candidate struct {
	key  key
	used int64
	due  int64
	size int64
}

// manifestGrace is how much longer a manifest stays than layers that were used when it was. A pull asks for it first, so it would go
// first; it is small, and all that a node needs which has the layers.
const manifestGrace = time.Hour

// leastRecent returns the blobs that are there, the one that was not used for longest first.
func (x *index) leastRecent() []candidate {
	x.mu.Lock()
	candidates := make([]candidate, 0, len(x.blobs))
	for key, b := range x.blobs {
		if b.size != absent {
			candidates = append(candidates, candidate{key: key, used: b.used, due: b.due(), size: b.size})
		}
	}
	x.mu.Unlock()
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.key, b.key))
	})
	return candidates
}

// due orders blobs by when it is their turn to go.
func (b *blob) due() int64 {
	isRevision := func(l link) bool { return l.kind == uint8(store.RevisionLink) }
	if slices.ContainsFunc(b.links, isRevision) {
		return b.used + int64(manifestGrace)
	}
	return b.used
}

// still says whether a candidate is what it was: not used since, and still there.
func (x *index) still(c candidate) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	b := x.blobs[c.key]
	return b != nil && b.size != absent && b.used == c.used
}

// keys returns the keys of all blobs.
func (x *index) keys() []key {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := make([]key, 0, len(x.blobs))
	for key := range x.blobs {
		keys = append(keys, key)
	}
	return keys
}

// each calls f for all blobs with the lock held, which it gives up now and then.
func (x *index) each(f func(key, *blob)) {
	for keys := range slices.Chunk(x.keys(), 512) {
		x.mu.Lock()
		for _, key := range keys {
			if b := x.blobs[key]; b != nil {
				f(key, b)
			}
		}
		x.mu.Unlock()
	}
}

// sum returns how much there is, and when the blob was used that was not used for longest.
func (x *index) sum() (blobs int, bytes int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.blobs), x.bytes
}

// oldest returns the last use of the blob that was not used for longest, or 0.
func (x *index) oldest() int64 {
	oldest := int64(math.MaxInt64)
	x.each(func(_ key, b *blob) {
		if b.size != absent {
			oldest = min(oldest, b.used)
		}
	})
	if oldest == math.MaxInt64 {
		return 0
	}
	return oldest
}
