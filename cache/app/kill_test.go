package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/store"
	"github.com/registry-cache/registry-cache/test/registries"
)

const (
	kills      = 100
	killImages = 40
	// killLine is the upstream's line: slow enough that there is still something to write when the program is killed.
	killLine = 20_000_000
)

// TestKilledWhileWriting kills the program a hundred times on the same store, while clients pull and, every other time, all
// that is stored is evicted. No pull fails before, and what is left is whole: at once as far as clients see it, and
// altogether after the check of the next start.
func TestKilledWhileWriting(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	u := startUpstream(t, registries.UpstreamOptions{BytesPerSecond: killLine})
	var images []string
	for i := range int64(killImages) {
		images = append(images, fmt.Sprintf("library/image%d:1", i))
		if _, err := u.PushRandomImage(t.Context(), images[i], 3, 100_000, i+100); err != nil {
			t.Fatal(err)
		}
	}
	p := newProgram(t, u.URL())
	must(t, os.Mkdir(p.data, 0o700))
	uploads, evicted := 0, 0
	for i := range kills {
		before := survey(t, p.data)
		if evicts := i%2 == 1; evicts {
			p.start(highWatermarkVariable+"=1", lowWatermarkVariable+"=1")
		} else {
			p.start()
			p.expectClean()
		}
		p.pullAndKill(images, 20*time.Millisecond+rand.N(150*time.Millisecond))
		after := survey(t, p.data)
		after.expectWhole(t)
		if t.Failed() {
			t.Fatalf("after %d kills: %v\n%s", i+1, after, p.log.String())
		}
		uploads += after.uploads
		evicted += before.missingIn(after)
		after.age(t, p.data)
	}
	p.start()
	p.expectClean()
	must(t, p.pull(images[0]))
	p.stop()
	t.Logf("%d uploads were interrupted, %d blobs were evicted", uploads, evicted)
	if uploads == 0 || evicted == 0 {
		t.Error("no kill was in the middle of a write or an eviction: this test tests nothing")
	}
}

// pullAndKill lets clients pull until the program is killed.
func (p *program) pullAndKill(images []string, after time.Duration) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for ctx.Err() == nil {
				image := images[rand.N(len(images))]
				if err := p.pull(image); err != nil && ctx.Err() == nil {
					p.t.Errorf("before the kill: %v", err)
					return
				}
			}
		})
	}
	time.Sleep(after)
	cancel()
	if err := p.command.Process.Kill(); err != nil {
		p.t.Error(err)
	}
	_ = p.command.Wait() // says that it was killed
	clients.Wait()
}

// expectClean waits for the check that each start begins with.
func (p *program) expectClean() {
	p.t.Helper()
	var left contents
	for range 200 {
		left = survey(p.t, p.data)
		if left.uploads == 0 && len(left.dangling) == 0 && len(left.unreachable()) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Errorf("after the start: %v: %s", left, left.unreachable())
}

// contents is what a survey has found in a store.
type contents struct {
	blobs    map[digest.Digest]bool // whether they are good
	linked   map[digest.Digest]bool // by a layer or a revision, so that it can be asked for
	dangling []string
	uploads  int
	other    []string
}

func (c contents) String() string {
	return fmt.Sprintf("%d blobs, links without a blob %q, %d uploads, other files %q", len(c.blobs), c.dangling, c.uploads, c.other)
}

// survey reads a store that may be changing.
func survey(t *testing.T, root string) contents {
	t.Helper()
	c := contents{blobs: map[digest.Digest]bool{}, linked: map[digest.Digest]bool{}}
	targets := map[string]digest.Digest{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		location := store.Parse(strings.TrimPrefix(file, root))
		if location.Kind == store.Upload && location.File == "" {
			c.uploads++
		}
		if entry.IsDir() || location.Kind == store.Upload {
			return nil
		}
		content, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		switch {
		case location.Kind == store.BlobData:
			c.blobs[location.Digest] = digest.FromBytes(content) == location.Digest
		case location.IsLink():
			targets[file] = digest.Digest(content)
			if location.Kind == store.LayerLink || location.Kind == store.RevisionLink {
				c.linked[location.Digest] = true
			}
		default:
			c.other = append(c.other, strings.TrimPrefix(file, root))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for file, target := range targets {
		if !c.blobs[target] {
			c.dangling = append(c.dangling, file)
		}
	}
	return c
}

// expectWhole fails if a client could be served something bad, or be told of something that is not there.
func (c contents) expectWhole(t *testing.T) {
	t.Helper()
	for _, file := range c.dangling {
		t.Errorf("no good blob for %s", file)
	}
	for dgst, good := range c.blobs {
		if !good {
			t.Errorf("%s is bad", dgst)
		}
	}
	for _, file := range c.other { // what distribution and the keeper rename when it is whole
		if name := filepath.Base(file); !strings.HasPrefix(name, "scheduler-state.json") && !strings.HasSuffix(name, ".tmp") {
			t.Errorf("what is %s?", file)
		}
	}
}

// unreachable returns the blobs that take up room and cannot be asked for.
func (c contents) unreachable() (blobs []digest.Digest) {
	for dgst := range c.blobs {
		if !c.linked[dgst] {
			blobs = append(blobs, dgst)
		}
	}
	return blobs
}

func (c contents) missingIn(later contents) (count int) {
	for dgst := range c.blobs {
		if _, ok := later.blobs[dgst]; !ok {
			count++
		}
	}
	return count
}

// age makes the uploads so old that nobody can be at them any more.
func (c contents) age(t *testing.T, root string) {
	t.Helper()
	old := time.Now().Add(-2 * time.Hour)
	err := filepath.WalkDir(root, func(file string, _ fs.DirEntry, err error) error {
		if err == nil && store.Parse(strings.TrimPrefix(file, root)).Kind == store.Upload {
			return os.Chtimes(file, old, old)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
