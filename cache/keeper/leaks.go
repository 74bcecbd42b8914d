package keeper

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/sirupsen/logrus"

	"github.com/registry-cache/registry-cache/cache/store"
)

// passes walks through the store at start and then now and then, until ctx ends.
func (k *Keeper) passes(ctx context.Context) {
	for {
		wait := k.rhythm.pass
		if err := k.inspect(ctx); err != nil && ctx.Err() == nil {
			k.log.Warn("walking through the store", err)
			wait = min(wait, k.rhythm.retry)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// inspect walks through the store and removes what is of no use. What a walk did not see may be there nevertheless if it
// returns an error, so nothing is removed then.
func (k *Keeper) inspect(ctx context.Context) error {
	if k.driver.Bypassed() {
		return errors.New("the store is bypassed")
	}
	start := k.now()
	w := &walk{layout: k.layout, index: k.index, now: start, thorough: k.ready.Load()}
	pass := k.index.begin()
	if err := w.run(ctx); err != nil {
		return err
	}
	if !k.ready.Load() {
		k.restore()
		k.ready.Store(true)
		k.nudge()
		blobs, bytes := k.index.sum()
		logrus.WithFields(logrus.Fields{"blobs": blobs, "bytes": bytes, "duration": k.now().Sub(start).String()}).
			Info("walked through the store")
	}
	k.clean(ctx, w, pass)
	k.index.heal(k.now(), k.options.TTL)
	return nil
}

// clean removes what a walk has found to be of no use.
func (k *Keeper) clean(ctx context.Context, w *walk, pass uint8) {
	removed := 0
	count := func(gone bool, _ error) {
		if gone {
			removed++
		}
	}
	for _, suspect := range k.index.settle(pass, k.fresh()) {
		if ctx.Err() != nil {
			return
		}
		count(k.examine(suspect))
	}
	for _, r := range w.remains {
		count(k.guarded(r.digest, byLeak, func() error { return removeRemains(r) }))
	}
	for _, file := range w.scraps {
		if k.old(file, k.rhythm.grace) {
			_ = os.Remove(file)
		}
	}
	for _, tag := range w.halves {
		count(k.removeHalf(tag), nil)
	}
	for _, upload := range w.uploads {
		count(k.removeUpload(upload), nil)
	}
	for _, folder := range w.empty {
		if k.old(folder, k.rhythm.grace) {
			prune(folder, k.stopOf(folder))
		}
	}
	k.removeTemporaries()
	if removed > 0 {
		k.log.Info("removed what was of no use in the store", logrus.Fields{"count": removed})
	}
}

// fresh says of a blob whether it was used so shortly ago that it may still be on its way: it is committed before its link,
// and a tag may be written before the revision.
func (k *Keeper) fresh() func(*blob) bool {
	since := max(k.started.UnixNano(), k.now().Add(-k.rhythm.grace).UnixNano())
	return func(b *blob) bool { return b.used > since }
}

// fault is what is wrong with a suspect.
type fault int

const (
	noFile    fault = iota // links point to a blob that is not there
	noLink                 // nothing by which it could be asked for points to a blob
	noContent              // tags of a repository point to a manifest that the repository does not have
)

// suspect is a blob with which something seems to be wrong.
type suspect struct {
	key   key
	fault fault
	tags  []store.Location
}

// settle ends a pass: it forgets the links that the pass has not seen, and returns what seems to be wrong.
func (x *index) settle(pass uint8, fresh func(*blob) bool) (suspects []suspect) {
	x.each(func(key key, b *blob) {
		for _, l := range slices.Clone(b.links) {
			if l.pass != pass {
				x.unlink(b, l)
			}
		}
		switch {
		case b.size == absent || b.pass != pass:
			suspects = append(suspects, suspect{key: key, fault: noFile})
		case fresh(b):
		case !b.served():
			suspects = append(suspects, suspect{key: key, fault: noLink})
		default:
			if tags := x.strayTags(key, b); len(tags) > 0 {
				suspects = append(suspects, suspect{key: key, fault: noContent, tags: tags})
			}
		}
	})
	return suspects
}

// served says whether the blob can be asked for: as a layer or as a revision of a manifest.
func (b *blob) served() bool {
	return slices.ContainsFunc(b.links, func(l link) bool {
		return store.Kind(l.kind) == store.LayerLink || store.Kind(l.kind) == store.RevisionLink
	})
}

// strayTags returns the links of tags to a blob in repositories where it is no revision.
func (x *index) strayTags(key key, b *blob) (tags []store.Location) {
	for _, l := range b.links {
		if l.tag == 0 || b.find(link{repository: l.repository, kind: uint8(store.RevisionLink)}) >= 0 {
			continue
		}
		tags = append(tags, store.Location{
			Kind: store.Kind(l.kind), Repository: x.names.text(l.repository), Tag: x.names.text(l.tag), Digest: key.digest(),
		})
	}
	return tags
}

// examine removes what is wrong with a suspect, if it still is when nobody is at it.
func (k *Keeper) examine(s suspect) (gone bool, err error) {
	dgst := s.key.digest()
	return k.guarded(dgst, byLeak, func() error {
		switch s.fault {
		case noFile:
			return k.removeFileless(s.key, dgst)
		case noLink:
			return k.removeUnlinked(s.key, dgst)
		case noContent:
			return k.removeStrayTags(s.key, s.tags)
		}
		return errStays
	})
}

func (k *Keeper) removeFileless(key key, dgst digest.Digest) error {
	info, err := os.Lstat(k.layout.path(store.Location{Kind: store.BlobData, Digest: dgst}))
	if err == nil {
		k.index.found([]found{{key: key, size: info.Size(), touched: info.ModTime()}}, k.now())
		return errStays
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(k.index.links(key)) == 0 { // nothing of it is left on disk either
		k.index.remove(key)
		return errStays
	}
	return k.remove(key, dgst)
}

func (k *Keeper) removeUnlinked(key key, dgst digest.Digest) error {
	for _, location := range k.index.links(key) {
		if location.Kind == store.LayerLink || location.Kind == store.RevisionLink {
			return errStays
		}
	}
	return k.remove(key, dgst)
}

func (k *Keeper) removeStrayTags(key key, tags []store.Location) error {
	removed := false
	for _, tag := range tags {
		revision := store.Location{Kind: store.RevisionLink, Repository: tag.Repository, Digest: tag.Digest}
		if _, err := os.Lstat(k.layout.path(revision)); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := k.removeLink(tag); err != nil {
			return err
		}
		k.index.removeLink(key, tag)
		removed = true
	}
	if !removed {
		return errStays
	}
	return nil
}

// removeRemains removes a folder that still lacks its file.
func removeRemains(r remains) error {
	if r.temporary != "" {
		return os.Remove(r.temporary)
	}
	folder := filepath.Dir(r.file)
	if _, err := os.Lstat(folder); errors.Is(err, fs.ErrNotExist) {
		return errStays
	}
	if _, err := os.Lstat(r.file); !errors.Is(err, fs.ErrNotExist) {
		return errStays
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	prune(filepath.Dir(folder), r.stop)
	return nil
}

// removeHalf removes a tag that points to nothing.
func (k *Keeper) removeHalf(folder string) bool {
	content, err := os.ReadFile(filepath.Join(folder, "current", "link"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if _, ok := keyOf(digest.Digest(content)); ok || !k.old(folder, k.rhythm.grace) {
		return false
	}
	return k.removeLeak(folder)
}

// removeUpload removes an upload that nobody has written to for long, unless it is one of this process.
func (k *Keeper) removeUpload(upload store.Location) bool {
	folder := k.layout.path(upload)
	if k.driver.Uploading(upload.Repository, upload.ID) || !k.old(folder, k.rhythm.abandoned) {
		return false
	}
	for _, name := range list(folder) {
		if !k.old(filepath.Join(folder, name), k.rhythm.abandoned) {
			return false
		}
	}
	return k.removeLeak(folder)
}

func (k *Keeper) removeLeak(folder string) bool {
	if err := os.RemoveAll(folder); err != nil {
		k.log.Warn("removing from the store", err)
		return false
	}
	prune(filepath.Dir(folder), k.layout.repositories)
	k.metrics.evictions.WithLabelValues(byLeak).Inc()
	return true
}

// removeTemporaries removes what an earlier process that was killed has left beside the state file.
func (k *Keeper) removeTemporaries() {
	for _, name := range list(k.layout.root) {
		file := filepath.Join(k.layout.root, name)
		if !strings.HasPrefix(name, stateFile+".") || !strings.HasSuffix(name, temporarySuffix) {
			continue
		}
		if info, err := os.Lstat(file); err == nil && info.ModTime().Before(k.started) {
			_ = os.Remove(file)
		}
	}
}

// old says whether nothing was done with a file or to a folder for as long as that.
func (k *Keeper) old(path string, age time.Duration) bool {
	info, err := os.Lstat(path)
	return err == nil && k.now().Sub(info.ModTime()) >= age
}

func (k *Keeper) stopOf(folder string) string {
	if strings.HasPrefix(folder, k.layout.blobs) {
		return k.layout.blobs
	}
	return k.layout.repositories
}
