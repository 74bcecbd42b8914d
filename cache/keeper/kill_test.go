package keeper

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/store"
)

// victimOf is set for a process that is killed: it says which store it is to work on.
const victimOf = "REGISTRY_CACHE_KEEPER_VICTIM"

// beKilled fills a store and removes from it, as fast as it can, until it is killed.
func beKilled(root string) {
	k := New(Options{Root: root, TTL: time.Hour, High: 0.5, Low: 0.3})
	k.rhythm.check, k.rhythm.note, k.rhythm.touch = time.Millisecond, time.Millisecond, time.Second
	k.statfs = func(string) (volume, error) {
		_, bytes := k.index.sum()
		return volume{capacity: 1 << 20, free: 1<<20 - bytes}, nil
	}
	d := &driver{}
	k.Start(context.Background(), d)
	fmt.Println("ready")
	for i := 0; ; i++ {
		fill(k, d, root, i)
	}
}

// fill stores an image as the driver does: no link is written while its blob goes.
func fill(k *Keeper, d *driver, root string, i int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	repository, tag := "lib/x"+strconv.Itoa(i%7), "v"+strconv.Itoa(i%5)
	for _, line := range image(repository, tag, fmt.Sprintf("M%d-%d", os.Getpid(), i), fmt.Sprintf("L%d", i%50)) {
		l := locationOf(line)
		file := filepath.Join(root, l.Path())
		content := []byte(l.Digest)
		if l.Kind == store.BlobData {
			content = []byte(strings.Repeat("x", 4096))
		}
		_ = os.MkdirAll(filepath.Dir(file), 0o755)
		if os.WriteFile(file+".1.tmp", content, 0o644) != nil || os.Rename(file+".1.tmp", file) != nil {
			return
		}
		if l.Kind == store.BlobData {
			k.Committed(l.Digest, 4096)
		} else {
			k.Linked(l)
		}
	}
}

// TestKilledWhileRemoving kills a process in the middle of its removals, a hundred times on the same store, and looks at
// what the next start makes of it.
func TestKilledWhileRemoving(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	root := t.TempDir()
	halves := 0
	for range 100 {
		killOne(t, root)
		links, blobs := consistency(t, root)
		if links > 0 {
			t.Fatalf("%d links have no blob", links)
		}
		halves += blobs
		k, _ := newKeeper(t, root, Options{TTL: time.Hour}, 1<<30)
		if _, err := readState(k.layout.state); err != nil {
			t.Fatalf("the schedule did not survive: %v", err)
		}
		must(t, k.inspect(t.Context()))
		if links, blobs := consistency(t, root); links > 0 || blobs > 0 {
			t.Fatalf("after the check %d links have no blob and %d blobs have no link", links, blobs)
		}
		must(t, k.inspect(t.Context())) // the first one leaves temporary files
		for _, line := range tree(t, root) {
			if strings.HasPrefix(line, "empty ") || strings.HasPrefix(line, "file ") && line != "file "+stateFile {
				t.Fatalf("after the check there is %s", line)
			}
		}
		k.now = func() time.Time { return today.Add(2 * time.Hour) } // everything has expired; half of it goes
		_, half := k.index.sum()
		k.evict(t.Context(), need{bytes: half / 2})
	}
	t.Logf("%d blobs were left half removed, or half stored", halves)
}

func killOne(t *testing.T, root string) {
	t.Helper()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), victimOf+"="+root)
	out, err := victim.StdoutPipe()
	must(t, err)
	must(t, victim.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the victim says %q: %v", line, err)
	}
	time.Sleep(20*time.Millisecond + rand.N(60*time.Millisecond))
	must(t, victim.Process.Kill())
	_ = victim.Wait()
}

// consistency counts the links without a blob and the blobs without a link by which they could be asked for.
func consistency(t *testing.T, root string) (links, blobs int) {
	t.Helper()
	stored, linked := map[digest.Digest]bool{}, map[digest.Digest]bool{}
	var targets []digest.Digest
	for _, file := range files(t, root) {
		l := store.Parse(file)
		switch {
		case l.Kind == store.BlobData:
			stored[l.Digest] = true
		case l.IsLink():
			content, err := os.ReadFile(root + file)
			must(t, err)
			targets = append(targets, digest.Digest(content))
			if l.Kind == store.LayerLink || l.Kind == store.RevisionLink {
				linked[l.Digest] = true
			}
		}
	}
	for _, target := range targets {
		if !stored[target] {
			links++
		}
	}
	for dgst := range stored {
		if !linked[dgst] {
			blobs++
		}
	}
	return links, blobs
}
