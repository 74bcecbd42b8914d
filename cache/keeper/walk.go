package keeper

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/registry-cache/registry-cache/cache/store"
)

const (
	// walkers is how many calls of the file system are under way at a time: on a volume in a network each takes long.
	walkers = 16
	// portion is how many files one walker looks at before another may take over.
	portion = 512
	// temporarySuffix is how the names of files end that are renamed when they are whole, distribution's and ours.
	temporarySuffix = ".tmp"
)

// walk goes through the store once and tells the index what there is. It works beside everything else: what is written
// while it is under way, the driver tells.
type walk struct {
	layout layout
	index  *index
	now    time.Time
	// thorough is for a walk that nobody waits for. It looks for temporary files too, which costs as much as the rest.
	thorough bool
	group    *errgroup.Group
	ctx      context.Context //nolint:containedctx // a walk is one call

	mu      sync.Mutex
	remains []remains
	empty   []string
	halves  []string
	scraps  []string // temporary files of which it is not known what they are for
	uploads []store.Location
}

// remains is a folder that lacks its file, of a blob or of a link; or a temporary file beside it.
type remains struct {
	digest    digest.Digest
	file      string
	stop      string // the folder below which empty ones are removed
	temporary string
}

// run returns an error when it could not see everything.
func (w *walk) run(ctx context.Context) error {
	if err := w.phase(ctx, w.blobs); err != nil {
		return err
	}
	return w.phase(ctx, func() error { return w.repositories(w.layout.repositories, "") })
}

func (w *walk) phase(ctx context.Context, f func() error) error {
	w.group, w.ctx = errgroup.WithContext(ctx)
	w.group.SetLimit(walkers)
	w.group.Go(f)
	return w.group.Wait()
}

// fork runs f beside the caller if a walker is free, and else at once.
func (w *walk) fork(f func() error) error {
	if w.group.TryGo(f) {
		return nil
	}
	return f()
}

// read returns what is in a folder. A folder that has gone is empty, but not to be removed.
func (w *walk) read(folder string) ([]fs.DirEntry, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && len(entries) == 0 {
		w.mu.Lock()
		w.empty = append(w.empty, folder)
		w.mu.Unlock()
	}
	return entries, err
}

// each calls f for the folders in a folder.
func (w *walk) each(folder string, f func(name, folder string) error) error {
	entries, err := w.read(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := f(e.Name(), filepath.Join(folder, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// blobs looks at blobs/<algorithm>/<two digits>.
func (w *walk) blobs() error {
	return w.each(w.layout.blobs, func(algorithm, folder string) error {
		return w.each(folder, func(_, folder string) error {
			return w.fork(func() error { return w.blobsIn(algorithm, folder) })
		})
	})
}

// found is a blob's file.
type found struct {
	key     key
	size    int64
	touched time.Time
}

func (w *walk) blobsIn(algorithm, folder string) error {
	var blobs []found
	err := w.each(folder, func(encoded, folder string) error {
		key, ok := keyFrom(algorithm, encoded)
		if !ok {
			return nil
		}
		file := filepath.Join(folder, "data")
		info, err := os.Lstat(file)
		if errors.Is(err, fs.ErrNotExist) {
			w.remain(remains{digest: key.digest(), file: file, stop: w.layout.blobs})
			return nil
		}
		if err != nil {
			return err
		}
		blobs = append(blobs, found{key: key, size: info.Size(), touched: info.ModTime()})
		for _, temporary := range w.temporaries(folder) {
			w.remain(remains{digest: key.digest(), temporary: temporary})
		}
		return nil
	})
	w.index.found(blobs, w.now)
	return err
}

// temporaries returns the temporary files in a folder, which a process has left that was killed.
func (w *walk) temporaries(folder string) (files []string) {
	if !w.thorough {
		return nil
	}
	for _, name := range list(folder) {
		if strings.HasSuffix(name, temporarySuffix) {
			files = append(files, filepath.Join(folder, name))
		}
	}
	return files
}

func (w *walk) remain(r remains) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remains = append(w.remains, r)
}

// repositories looks at a folder of repositories, which is a repository itself if it has folders with an underscore.
func (w *walk) repositories(folder, name string) error {
	return w.each(folder, func(base, folder string) error {
		switch {
		case base == "_layers":
			return w.fork(func() error { return w.links(folder, store.Location{Kind: store.LayerLink, Repository: name}) })
		case base == "_manifests":
			return w.fork(func() error { return w.manifests(folder, name) })
		case base == uploadsFolder:
			return w.each(folder, func(id, _ string) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.uploads = append(w.uploads, store.Location{Kind: store.Upload, Repository: name, ID: id})
				return nil
			})
		case strings.HasPrefix(base, "_"):
			return nil
		}
		return w.fork(func() error { return w.repositories(folder, strings.TrimPrefix(name+"/"+base, "/")) })
	})
}

func (w *walk) manifests(folder, repository string) error {
	return w.each(folder, func(base, folder string) error {
		switch base {
		case "revisions":
			return w.links(folder, store.Location{Kind: store.RevisionLink, Repository: repository})
		case "tags":
			return w.each(folder, func(tag, folder string) error {
				return w.fork(func() error { return w.tag(folder, repository, tag) })
			})
		}
		return nil
	})
}

// tag looks at a tag. One that points to nothing is half a tag, which may be half written or half removed.
func (w *walk) tag(folder, repository, tag string) error {
	current := store.Location{Kind: store.TagCurrent, Repository: repository, Tag: tag}
	content, err := os.ReadFile(w.layout.path(current))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	scraps := w.temporaries(filepath.Join(folder, "current"))
	w.mu.Lock()
	w.scraps = append(w.scraps, scraps...)
	key, ok := keyOf(digest.Digest(content))
	if !ok {
		w.halves = append(w.halves, folder)
	}
	w.mu.Unlock()
	if ok {
		current.Digest = digest.Digest(content)
		w.index.foundLinks([]foundLink{{key, current}})
	}
	return w.each(folder, func(base, folder string) error {
		if base == "index" {
			return w.links(folder, store.Location{Kind: store.TagIndex, Repository: repository, Tag: tag})
		}
		return nil
	})
}

// links looks at <algorithm>/<hex>/link below a folder. What they contain is what their path says.
func (w *walk) links(folder string, kind store.Location) error {
	return w.each(folder, func(algorithm, folder string) error {
		entries, err := w.read(folder)
		if err != nil {
			return err
		}
		for len(entries) > 0 {
			some := entries[:min(portion, len(entries))]
			entries = entries[len(some):]
			if err := w.fork(func() error { return w.someLinks(folder, algorithm, some, kind) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// foundLink is a link that was found.
type foundLink struct {
	key      key
	location store.Location
}

func (w *walk) someLinks(folder, algorithm string, entries []fs.DirEntry, kind store.Location) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	links := make([]foundLink, 0, len(entries))
	for _, e := range entries {
		key, ok := keyFrom(algorithm, e.Name())
		if !ok {
			continue
		}
		file := filepath.Join(folder, e.Name(), "link")
		_, err := os.Lstat(file)
		if errors.Is(err, fs.ErrNotExist) {
			w.remain(remains{digest: key.digest(), file: file, stop: w.layout.repositories})
			continue
		}
		if err != nil {
			return err
		}
		links = append(links, foundLink{key, kind})
		for _, temporary := range w.temporaries(filepath.Join(folder, e.Name())) {
			w.remain(remains{digest: key.digest(), temporary: temporary})
		}
	}
	w.index.foundLinks(links)
	return nil
}

// begin begins a pass: what is found or told from here on has been seen by it.
func (x *index) begin() (pass uint8) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pass++
	return x.pass
}

// found notes the files of blobs.
func (x *index) found(blobs []found, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range blobs {
		b := x.entry(f.key)
		b.pass = x.pass
		if b.size != absent { // what is known is newer
			continue
		}
		x.resize(b, f.size)
		if f.touched.After(now) { // the clock was wrong; it would never be removed
			f.touched = now
		}
		b.touched, b.used = seconds(f.touched), max(b.used, f.touched.UnixNano())
	}
}

// foundLinks notes links. A tag that was told to point elsewhere since the pass began does so.
func (x *index) foundLinks(links []foundLink) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range links {
		if f.location.Kind != store.TagCurrent || !x.told(f.location) {
			x.link(x.entry(f.key), f.location)
		}
	}
}

// told says whether this pass knows already what a tag points to.
func (x *index) told(tag store.Location) bool {
	repository, name := x.names.take(tag.Repository), x.names.take(tag.Tag)
	defer x.names.release(repository)
	defer x.names.release(name)
	b := x.current[tagID{repository, name}]
	if b == nil {
		return false
	}
	i := b.find(link{repository: repository, tag: name, kind: uint8(store.TagCurrent)})
	return i >= 0 && b.links[i].pass == x.pass
}
