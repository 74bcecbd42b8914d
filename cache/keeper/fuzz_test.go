package keeper

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/store"
)

// model is what a store should be, and the store.
type model struct {
	t     *testing.T
	root  string
	now   time.Time
	blobs map[string]*modelBlob // by name; there are 8 layers and 8 manifests
	k     *Keeper
	d     *driver
	why   string // why blobs may be removed at the moment
}

type modelBlob struct{ used, fetched time.Time }

const modelTTL = 100 * time.Minute

// FuzzStore does things to a store in any order, pulls, uses, evictions, expiry, walks, restarts, damage, and demands at
// every removal that it is the right one to go, and in the end that nothing is left that points to nothing.
func FuzzStore(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x22\x00\x13\x10\x01\x40\x30\x03\x50\x60\x70"))
	f.Add([]byte("\x00\x07\x00\x75\x80\x02\x60\x90\x05\x60\xa0\x01\x30\x01\x60"))
	f.Add([]byte("\x00\x01\x40\xff\x50\x00\x02\x40\x80\x70\x00\xb0\x00\x50\x00"))
	f.Add([]byte("\x00\x01\x00\x12\x20\x01\x30\x00\x20\x01\x30\x00\xc0\x01\x60\x00"))
	f.Fuzz(play)
}

// TestRandomSequences is FuzzStore for those who do not fuzz.
func TestRandomSequences(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			script := make([]byte, scriptLength)
			random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
			_, _ = random.Read(script)
			play(t, script)
		})
	}
}

// scriptLength is as much as is played of a script: forty steps.
const scriptLength = 80

func play(t *testing.T, script []byte) {
	m := &model{t: t, root: t.TempDir(), now: today, blobs: map[string]*modelBlob{}}
	m.restart()
	for i := 0; i+1 < min(len(script), scriptLength); i += 2 {
		m.step(script[i]>>4, script[i+1])
		m.wantBlobs()
	}
	m.end()
}

func (m *model) step(operation, argument byte) {
	name := string("LM"[argument>>3&1]) + string('0'+rune(argument&7))
	switch operation {
	case 0, 1, 2:
		m.pull(argument)
	case 3:
		if b := m.blobs[name]; b != nil {
			b.used = m.now
			m.k.Used(dgstOf(name))
		}
	case 4:
		m.now = m.now.Add(time.Duration(argument%32) * time.Minute)
	case 5:
		m.as("ttl", func() { m.k.expire(m.t.Context()) })
	case 6:
		m.walk()
	case 7:
		m.k.touch()
		m.k.save()
		m.restart()
	case 8:
		m.d.busy[dgstOf(name)] = !m.d.busy[dgstOf(name)]
	case 9:
		m.as("space", func() { m.k.evict(m.t.Context(), need{bytes: int64(argument%8) * blockSize}) })
	case 10:
		m.spoil(name)
	case 11: // what distribution does when a manifest expires
		for r := range 3 {
			m.remove(fmt.Sprintf("revision r%d %s", r, name))
		}
	case 12:
		plant(m.t, m.root, fmt.Sprintf("layer r%d/sub X%d", argument%3, argument), "empty "+layerFolder("e", "E"))
	case 13:
		plant(m.t, m.root, fmt.Sprintf("upload r%d u%d data @2h", argument%3, argument))
	case 14:
		must(m.t, os.WriteFile(filepath.Join(m.root, stateFile), []byte("{"), 0o644))
		m.restart()
	}
}

func (m *model) pull(argument byte) {
	layer, manifest := fmt.Sprintf("L%d", argument&7), fmt.Sprintf("M%d", argument>>2&7)
	for _, line := range image(fmt.Sprintf("r%d", argument%3), fmt.Sprintf("v%d", argument>>6), manifest, layer) {
		plant(m.t, m.root, line)
		l := locationOf(line)
		if l.Kind == store.BlobData {
			must(m.t, os.Chtimes(m.root+l.Path(), m.now, m.now))
			m.k.Committed(l.Digest, 4096)
			m.blobs[strings.Fields(line)[1]] = &modelBlob{fetched: m.now}
		} else {
			m.k.Linked(l)
		}
	}
	m.blobs[layer].used, m.blobs[manifest].used = m.now, m.now
}

// spoil is what the driver does with a bad blob.
func (m *model) spoil(name string) {
	if m.blobs[name] == nil || m.d.busy[dgstOf(name)] {
		return
	}
	m.remove("blob " + name)
	delete(m.blobs, name)
	m.k.Bad(dgstOf(name), errors.New("flipped"))
	m.as("bad", func() { m.k.dropBad(m.t.Context()) })
}

func (m *model) remove(line string) {
	must(m.t, os.RemoveAll(filepath.Dir(m.root+locationOf(line).Path())))
}

func (m *model) walk() {
	m.as("leak", func() { must(m.t, m.k.inspect(m.t.Context())) })
}

// restart starts a new keeper. What the last one has not written is lost.
func (m *model) restart() {
	var busy map[digest.Digest]bool
	if m.d != nil {
		busy = m.d.busy
	}
	for name, b := range m.blobs {
		info, err := os.Stat(m.root + locationOf("blob "+name).Path())
		must(m.t, err)
		b.used = info.ModTime().UTC()
	}
	m.k, m.d = newKeeper(m.t, m.root, Options{TTL: modelTTL}, 1<<40)
	m.k.rhythm.touch = time.Second
	m.d.busy = map[digest.Digest]bool{}
	maps.Copy(m.d.busy, busy)
	m.d.before = m.removes
	m.k.now = func() time.Time { return m.now }
	before, err := readState(m.k.layout.state)
	for name, b := range m.blobs {
		if s, ok := before[keyOfName(name)]; ok && err == nil {
			b.fetched = s.fetched
		} else {
			b.fetched = m.now
		}
	}
	m.walk()
}

func (m *model) as(why string, f func()) {
	m.why = why
	f()
	m.why = ""
}

// removes is called when the keeper is about to remove a blob: is it the right one?
func (m *model) removes(dgst digest.Digest) {
	name := ""
	for candidate := range m.blobs {
		if dgstOf(candidate) == dgst {
			name = candidate
		}
	}
	b := m.blobs[name]
	switch {
	case b == nil: // links to nothing, or an earlier removal of links
		return
	case m.why == "space":
		for other, o := range m.blobs {
			if m.dueBy(other).Before(b.used) && !m.d.busy[dgstOf(other)] {
				m.t.Errorf("%s goes, which was used at %s, and %s stays, which was used at %s", name, b.used, other, o.used)
			}
		}
	case m.why == "ttl":
		if m.now.Before(b.fetched.Add(modelTTL)) {
			m.t.Errorf("%s expires at %s, and was fetched at %s", name, m.now, b.fetched)
		}
	case m.why == "leak":
		if m.linked(name) {
			return // tags
		}
	default:
		m.t.Errorf("%s goes, for no reason", name)
	}
	delete(m.blobs, name)
}

// dueBy is when at the latest it is a blob's turn to go: a manifest's is later as long as the keeper knows of a link to it.
func (m *model) dueBy(name string) time.Time {
	if name[0] == 'M' {
		return m.blobs[name].used.Add(manifestGrace)
	}
	return m.blobs[name].used
}

// linked says whether a blob can be asked for.
func (m *model) linked(name string) bool {
	for _, file := range files(m.t, m.root) {
		l := store.Parse(file)
		if (l.Kind == store.LayerLink || l.Kind == store.RevisionLink) && l.Digest == dgstOf(name) {
			return true
		}
	}
	return false
}

// wantBlobs compares what there is with what there should be.
func (m *model) wantBlobs() {
	m.t.Helper()
	var got []string
	for i := range 16 {
		name := string("LM"[i>>3]) + string('0'+rune(i&7))
		if _, err := os.Stat(m.root + locationOf("blob "+name).Path()); err == nil {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(m.blobs)), got); diff != "" && len(got)+len(m.blobs) > 0 {
		m.t.Fatalf("the blobs are not those that should be there (-want +got):\n%s", diff)
	}
}

// end demands that after a walk nothing is left that is of no use, and that what has expired goes when it can.
func (m *model) end() {
	m.d.busy = map[digest.Digest]bool{}
	m.walk()
	m.wantBlobs()
	if links, blobs := consistency(m.t, m.root); links > 0 || blobs > 0 {
		m.t.Errorf("%d links have no blob and %d blobs have no link:\n%s", links, blobs, strings.Join(tree(m.t, m.root), "\n"))
	}
	m.wantNoEmptyFolder()
	m.now = m.now.Add(modelTTL)
	m.as("ttl", func() { m.k.expire(m.t.Context()) })
	if len(m.blobs) > 0 {
		m.t.Errorf("these have not expired: %v", slices.Sorted(maps.Keys(m.blobs)))
	}
	if len(m.k.index.blobs) > 0 || m.k.index.bytes != 0 || len(m.k.index.names.ids) != 1 || len(m.k.index.current) > 0 {
		m.t.Errorf("the index of nothing has %d blobs with %d bytes, names %v, %d tags",
			len(m.k.index.blobs), m.k.index.bytes, m.k.index.names.ids, len(m.k.index.current))
	}
	m.wantNoEmptyFolder()
}

func (m *model) wantNoEmptyFolder() {
	m.t.Helper()
	for _, line := range tree(m.t, m.root) {
		if strings.HasPrefix(line, "empty ") && !strings.HasSuffix(line, "/v2/blobs") && !strings.HasSuffix(line, "/v2/repositories") {
			m.t.Error(line)
		}
	}
}
