package keeper

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/registry-cache/registry-cache/cache/store"
)

// touch writes the last use of the blobs that were used since it was written, as the modification time of their files.
func (k *Keeper) touch() {
	exact := int64(k.rhythm.touch / time.Second)
	var stale []candidate
	k.index.each(func(key key, b *blob) {
		if b.size != absent && b.used/int64(time.Second)-int64(b.touched) >= exact {
			stale = append(stale, candidate{key: key, used: b.used})
		}
	})
	for _, c := range stale {
		file := k.layout.path(store.Location{Kind: store.BlobData, Digest: c.key.digest()})
		used := time.Unix(0, c.used)
		err := os.Chtimes(file, used, used)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) { // the owner may be another one, from before
			k.log.Warn("noting the last use of a blob", err)
			return // the others fail as well
		}
		k.index.touched(c.key, used)
	}
}

// touched notes which last use of a blob is on disk.
func (x *index) touched(key key, used time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if b := x.blobs[key]; b != nil {
		b.touched = seconds(used)
	}
}
