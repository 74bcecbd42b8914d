package keeper

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/registry-cache/registry-cache/cache/store"
)

// today is when tests happen. What they do to files happens long before.
var today = time.Date(2100, 3, 1, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	if file := os.Getenv(victimOf); file != "" {
		beKilled(file)
	}
	logrus.SetOutput(io.Discard)
	goleak.VerifyTestMain(m)
}

// A store is written down with a line for each file, and read back as such:
//
//	blob A 5000          blob A has 5000 bytes
//	layer lib/x A        repository lib/x links to A
//	revision lib/x M     M is a manifest of lib/x
//	tag lib/x latest M   the tag points to M
//	index lib/x latest M and has pointed to it
//	upload lib/x id data a file of an upload
//	file PATH, empty PATH any other file, or an empty folder, below the root
//
// Behind the line may stand how old it is: "@3h".

// dgstOf is the digest that a name stands for.
func dgstOf(name string) digest.Digest { return digest.FromString(name) }

func keyOfName(name string) key {
	k, _ := keyOf(dgstOf(name))
	return k
}

// locationOf reads a line.
func locationOf(line string) store.Location {
	switch f := strings.Fields(line); f[0] {
	case "blob":
		return store.Location{Kind: store.BlobData, Digest: dgstOf(f[1])}
	case "layer":
		return store.Location{Kind: store.LayerLink, Repository: f[1], Digest: dgstOf(f[2])}
	case "revision":
		return store.Location{Kind: store.RevisionLink, Repository: f[1], Digest: dgstOf(f[2])}
	case "tag":
		return store.Location{Kind: store.TagCurrent, Repository: f[1], Tag: f[2], Digest: dgstOf(f[3])}
	case "index":
		return store.Location{Kind: store.TagIndex, Repository: f[1], Tag: f[2], Digest: dgstOf(f[3])}
	case "upload":
		return store.Location{Kind: store.Upload, Repository: f[1], ID: f[2], File: f[3]}
	}
	return store.Location{}
}

// plant writes lines to disk.
func plant(t testing.TB, root string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		line, age, _ := strings.Cut(line, " @")
		var old time.Duration
		if age != "" {
			var err error
			if old, err = time.ParseDuration(age); err != nil {
				t.Fatal(err)
			}
		}
		l := locationOf(line)
		file, content := filepath.Join(root, l.Path()), []byte(l.Digest)
		switch l.Kind {
		case store.BlobData:
			size, err := strconv.Atoi(strings.Fields(line)[2])
			must(t, err)
			content = make([]byte, size)
		case store.Other:
			file = filepath.Join(root, strings.Fields(line)[1])
		default:
		}
		if strings.HasPrefix(line, "empty ") {
			must(t, os.MkdirAll(file, 0o755))
		} else {
			must(t, os.MkdirAll(filepath.Dir(file), 0o755))
			must(t, os.WriteFile(file, content, 0o644))
		}
		date := today.Add(-old)
		for ; file != root; file = filepath.Dir(file) {
			must(t, os.Chtimes(file, date, date))
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree reads a store. The names of blobs are those given.
func tree(t testing.TB, root string, blobNames ...string) (lines []string) {
	t.Helper()
	known := map[digest.Digest]string{}
	for _, name := range blobNames {
		known[dgstOf(name)] = name
	}
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if !d.IsDir() {
			lines = append(lines, describe(t, root, rel, known))
			return nil
		}
		if entries, err := os.ReadDir(path); err != nil || len(entries) > 0 {
			return err
		}
		lines = append(lines, "empty "+rel)
		return nil
	}))
	slices.Sort(lines)
	return lines
}

func describe(t testing.TB, root, rel string, known map[digest.Digest]string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, rel))
	must(t, err)
	l := store.Parse("/" + rel)
	nameOf := func(dgst digest.Digest) string {
		if name, ok := known[dgst]; ok {
			return name
		}
		return dgst.String()
	}
	switch l.Kind {
	case store.BlobData:
		return fmt.Sprintf("blob %s %d", nameOf(l.Digest), len(content))
	case store.LayerLink:
		return fmt.Sprintf("layer %s %s", l.Repository, nameOf(l.Digest))
	case store.RevisionLink:
		return fmt.Sprintf("revision %s %s", l.Repository, nameOf(l.Digest))
	case store.TagCurrent:
		return fmt.Sprintf("tag %s %s %s", l.Repository, l.Tag, nameOf(digest.Digest(content)))
	case store.TagIndex:
		return fmt.Sprintf("index %s %s %s", l.Repository, l.Tag, nameOf(l.Digest))
	case store.Upload:
		return fmt.Sprintf("upload %s %s %s", l.Repository, l.ID, l.File)
	case store.Other:
	}
	return "file " + rel
}

// wantTree compares a store with what it should be; ages do not count.
func wantTree(t *testing.T, root string, want []string) {
	t.Helper()
	var names, lines []string
	for _, line := range want {
		line, _, _ = strings.Cut(line, " @")
		lines = append(lines, line)
		names = append(names, strings.Fields(line)...)
	}
	slices.Sort(lines)
	if diff := cmp.Diff(lines, tree(t, root, names...)); diff != "" {
		t.Errorf("the store is not as it should be (-want +got):\n%s", diff)
	}
}

// driver is an Evictor. The real one needs a registry to be of any use.
type driver struct {
	mu       sync.Mutex
	busy     map[digest.Digest]bool
	uploads  map[string]bool
	bypassed bool
	before   func(digest.Digest) // called before a removal
	evicted  []digest.Digest
}

func (d *driver) Evict(dgst digest.Digest, remove func() error) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bypassed || d.busy[dgst] {
		return false, nil
	}
	if d.before != nil {
		d.before(dgst)
	}
	err := remove()
	if err == nil {
		d.evicted = append(d.evicted, dgst)
	}
	return true, err
}

func (d *driver) Uploading(repository, id string) bool { return d.uploads[repository+" "+id] }

func (d *driver) Bypassed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bypassed
}

// newKeeper makes a keeper that has begun its work, without doing any by itself, on a volume of the given size.
func newKeeper(t testing.TB, root string, options Options, capacity int64) (*Keeper, *driver) {
	t.Helper()
	options.Root = root
	k := New(options)
	d := &driver{}
	k.driver, k.now, k.started = d, func() time.Time { return today }, today
	k.rhythm.grace = 0
	k.statfs = func(root string) (volume, error) {
		return volume{capacity: capacity, free: capacity - used(t, root)}, nil
	}
	return k, d
}

// used is how many bytes the files below a folder have.
func used(t testing.TB, root string) (bytes int64) {
	t.Helper()
	must(t, filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	}))
	return bytes
}

// image is the lines of an image: one layer, and a manifest with a tag.
func image(repository, tag, manifest, layer string) []string {
	return []string{
		"blob " + layer + " 4096",
		"layer " + repository + " " + layer,
		"blob " + manifest + " 4096",
		"revision " + repository + " " + manifest,
		"index " + repository + " " + tag + " " + manifest,
		"tag " + repository + " " + tag + " " + manifest,
	}
}

// aged says how old lines are.
func aged(age string, lines []string) []string {
	for i := range lines {
		lines[i] += " @" + age
	}
	return lines
}

func blobFolder(name string) string { return strings.TrimPrefix(store.BlobFolder(dgstOf(name)), "/") }

func layerFolder(repository, name string) string {
	l := store.Location{Kind: store.LayerLink, Repository: repository, Digest: dgstOf(name)}
	return strings.TrimPrefix(filepath.Dir(l.Path()), "/")
}

// files returns the paths of all files below a folder, as the driver sees them.
func files(t testing.TB, root string) (paths []string) {
	t.Helper()
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, strings.TrimPrefix(path, root))
		}
		return err
	}))
	return paths
}

type dgst = digest.Digest
