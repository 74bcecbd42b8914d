package keeper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/store"
)

// uploadsFolder is the folder of a repository's uploads, which distribution leaves behind.
const uploadsFolder = "_uploads"

// drop removes a blob whole, unless somebody reads or writes it.
func (k *Keeper) drop(key key, cause string) (gone bool, err error) {
	dgst := key.digest()
	return k.guarded(dgst, cause, func() error { return k.remove(key, dgst) })
}

// guarded removes something of a blob while nobody reads or writes the blob or a link to it.
func (k *Keeper) guarded(dgst digest.Digest, cause string, remove func() error) (gone bool, err error) {
	evicted, err := k.driver.Evict(dgst, remove)
	switch {
	case errors.Is(err, errStays):
		return false, nil
	case err != nil:
		k.log.Warn("removing from the store", err)
		return false, err
	case evicted:
		k.metrics.evictions.WithLabelValues(cause).Inc()
	}
	return evicted, nil
}

// errStays is what a removal returns that finds that there is no reason for it any more.
var errStays = errors.New("it stays")

// remove removes the links to a blob, and then the blob. The index learns of it before anybody can write the blob again.
func (k *Keeper) remove(key key, dgst digest.Digest) error {
	for _, location := range k.index.links(key) {
		if err := k.removeLink(location); err != nil {
			return err
		}
	}
	if err := k.removeBlob(dgst); err != nil {
		return err
	}
	k.index.remove(key)
	return nil
}

func (k *Keeper) removeBlob(dgst digest.Digest) error {
	if err := removeFile(k.layout.path(store.Location{Kind: store.BlobData, Digest: dgst})); err != nil {
		return fmt.Errorf("removing blob %s: %w", dgst, err)
	}
	prune(filepath.Join(k.layout.root, filepath.Dir(store.BlobFolder(dgst))), k.layout.blobs)
	return nil
}

// removeLink removes a link, and the folders above it that are empty then.
func (k *Keeper) removeLink(location store.Location) error {
	file := k.layout.path(location)
	if location.Kind == store.TagCurrent {
		return k.removeTag(location, file)
	}
	if err := removeFile(file); err != nil {
		return fmt.Errorf("removing a link to %s: %w", location.Digest, err)
	}
	prune(filepath.Dir(filepath.Dir(file)), k.layout.repositories)
	return nil
}

// removeTag removes a tag that points to what goes, with its history. A tag that points to something else by now stays. (It
// could be moved right after it was read here. It would be lost then, until it is asked for again.)
func (k *Keeper) removeTag(location store.Location, file string) error {
	content, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading tag %s: %w", location.Tag, err)
	}
	if err == nil && string(content) != location.Digest.String() {
		return nil
	}
	if err := removeFile(file); err != nil {
		return fmt.Errorf("removing tag %s: %w", location.Tag, err)
	}
	k.removeHistory(location)
	prune(filepath.Dir(filepath.Dir(file)), k.layout.repositories)
	return nil
}

// removeHistory removes what a tag has pointed to before. What cannot be removed stays for the next pass.
func (k *Keeper) removeHistory(tag store.Location) {
	folder := filepath.Join(filepath.Dir(filepath.Dir(k.layout.path(tag))), "index")
	for _, algorithm := range list(folder) {
		for _, encoded := range list(filepath.Join(folder, algorithm)) {
			key, ok := keyFrom(algorithm, encoded)
			if !ok {
				continue
			}
			entry := store.Location{
				Kind: store.TagIndex, Repository: tag.Repository, Tag: tag.Tag, Digest: key.digest(),
			}
			if k.removeLink(entry) == nil {
				k.index.removeLink(key, entry)
			}
		}
	}
}

// list returns the names in a folder; none if it cannot be read.
func list(folder string) []string {
	d, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer d.Close() //nolint:errcheck // nothing was written
	names, _ := d.Readdirnames(-1)
	return names
}

// removeFile removes a data file or a link with its folder, in which nothing else is but temporary files of writes that were
// cut short.
func removeFile(file string) error {
	if err := unix.Unlink(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	folder := filepath.Dir(file)
	err := unix.Rmdir(folder)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if filepath.Base(folder) == "current" { // a tag that points elsewhere is being written
		return nil
	}
	return os.RemoveAll(folder)
}

// prune removes a folder and those above it, below stop, as long as they are empty. An empty folder of uploads is no reason
// to keep a repository.
func prune(folder, stop string) {
	child := ""
	for strings.HasPrefix(folder, stop+string(filepath.Separator)) {
		err := unix.Rmdir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			if !strings.HasPrefix(child, "_") || unix.Rmdir(filepath.Join(folder, uploadsFolder)) != nil || unix.Rmdir(folder) != nil {
				return
			}
		}
		child, folder = filepath.Base(folder), filepath.Dir(folder)
	}
}
