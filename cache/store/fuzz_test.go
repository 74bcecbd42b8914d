package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/opencontainers/go-digest"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/faults"
	"github.com/registry-cache/registry-cache/cache/store"
)

// FuzzDriver does what distribution and the keeper do with the driver in random order, over a store that fails, hangs and
// rots now and then, and compares with a model of what has to be there.
func FuzzDriver(f *testing.F) {
	for step := range steps {
		f.Add([]byte{0, 2, 2, 3, byte(step), 0, 3, 2, byte(step), 3, 3, 3, 9, 0, 3, 3, byte(step), 2})
	}
	for fault := range faulty {
		step := byte(fault % len(steps))
		f.Add([]byte{0, 1, 8, byte(fault), step, 1, 0, 2, 2, 3, 3, 1, 0, 3, 9, 0, 3, 1, step, 3, 3, 2, 3, 3})
	}
	f.Fuzz(play)
}

// TestRandomOperations does the same in orders that are the same each time: the fuzzer, which looks for new coverage, finds
// little that is new to it in another order.
func TestRandomOperations(t *testing.T) {
	for seed := range uint64(sequences) {
		random := rand.New(rand.NewPCG(seed, 0))
		program := make([]byte, 60)
		for i := range program {
			program[i] = byte(random.Uint32())
		}
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, program) }) {
			return
		}
	}
}

// sequences is how many there are.
const sequences = 100

// play takes the steps that a program consists of, two bytes each.
func play(t *testing.T, program []byte) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(t)
		for program = program[:min(len(program), 60)]; len(program) > 1; program = program[2:] {
			steps[int(program[0])%len(steps)](m, int(program[1]))
		}
		m.end()
	})
}

// steps are what can happen, each to the blob that its argument says.
var steps = []func(*model, int){
	(*model).pullLayer, (*model).abortLayer, (*model).pullManifest, (*model).read, (*model).readPart, (*model).stat, (*model).readLink,
	(*model).evict, (*model).fail, (*model).calmDown, (*model).rot, (*model).hold, (*model).letGo,
}

// faulty are the ways in which the store fails; an error of nil hangs.
var faulty = func() (all []faults.Fault) {
	for _, operation := range []faults.Operation{
		faults.Stat, faults.GetContent, faults.PutContent, faults.Reader, faults.Read, faults.Writer, faults.Write, faults.Commit,
		faults.Close, faults.Move, faults.Delete,
	} {
		for _, err := range []error{syscall.ENOSPC, syscall.EIO, nil} {
			all = append(all, faults.Fault{Operation: operation, Err: err}, faults.Fault{Operation: operation, Err: err, At: 70_000, Leave: true})
		}
	}
	return all
}()

// contents are what blobs contain: the last is too large to be checked before it is served.
var contents = [][]byte{[]byte("{}"), bytes.Repeat([]byte("small"), 1000), bytes.Repeat([]byte("medium"), 40_000), bytes.Repeat([]byte("large"), 220_000)}

// model knows what has to be in the store, and what must not.
type model struct {
	t      *testing.T
	disk   storagedriver.StorageDriver // what is really there
	faults *faults.Driver
	driver *store.Driver
	hang   chan struct{}
	calm   bool                       // nothing fails
	blobs  map[digest.Digest]bool     // those that have to be there
	links  map[store.Location]bool    // those that have to be there
	rotten map[digest.Digest]bool     // those that were bad once: the keeper may have to look after their links
	held   map[digest.Digest][]reader // those that are being read
	busy   bool                       // something failed while a blob was read: what it left is left to the keeper
	count  int
}

type reader struct {
	io.ReadCloser
	request *store.Request
	rotten  bool // what it reads is bad, whatever is in the store by then, and will be dropped
}

func newModel(t *testing.T) *model {
	disk := inmemory.New()
	m := &model{
		t: t, disk: disk, faults: faults.New(disk), calm: true, blobs: map[digest.Digest]bool{}, links: map[store.Location]bool{},
		rotten: map[digest.Digest]bool{}, held: map[digest.Digest][]reader{},
	}
	m.driver = store.New(m.faults, store.Options{Metrics: store.NewMetrics(prometheus.NewRegistry())})
	return m
}

func blobOf(n int) (digest.Digest, []byte) {
	content := contents[n%len(contents)]
	return digest.FromBytes(content), content
}

func repositoryOf(n int) string { return []string{"library/one", "two"}[n/len(contents)%2] }

func dataPath(dgst digest.Digest) string {
	return store.Location{Kind: store.BlobData, Digest: dgst}.Path()
}

// must is called for all that a client would notice.
func (m *model) must(what string, err error) {
	m.busy = m.busy || !m.calm && len(m.held) > 0
	if err != nil {
		m.t.Errorf("%s fails although only the store does: %v", what, err)
	}
}

// upload begins as distribution does and returns the writer with so many bytes written.
func (m *model) upload(ctx context.Context, repository string, content []byte) (storagedriver.FileWriter, store.Location) {
	m.count++
	location := store.Location{Kind: store.Upload, Repository: repository, ID: fmt.Sprint(m.count)}
	m.must("noting an upload", m.driver.PutContent(ctx, location.Path()+"/startedat", []byte("now")))
	w, err := m.driver.Writer(ctx, location.Path()+"/data", false)
	m.must("opening an upload", err)
	for rest := content; len(rest) > 0; {
		n, err := w.Write(rest[:min(len(rest), 32<<10)])
		m.must("writing", err)
		rest = rest[n:]
	}
	if w.Size() != int64(len(content)) {
		m.t.Errorf("%d bytes were written, %d it says", len(content), w.Size())
	}
	return w, location
}

func (m *model) pullLayer(n int) {
	ctx, _ := store.WithRequest(context.Background(), false)
	dgst, content := blobOf(n)
	w, upload := m.upload(ctx, repositoryOf(n), content)
	m.must("committing", w.Commit(ctx))
	m.must("closing", w.Close())
	info, err := m.driver.Stat(ctx, upload.Path()+"/data")
	if err != nil || info.Size() != int64(len(content)) {
		m.t.Errorf("an upload that was committed: %v, %v", info, err)
	}
	m.must("moving", m.driver.Move(ctx, upload.Path()+"/data", dataPath(dgst)))
	m.must("removing an upload", m.driver.Delete(ctx, upload.Path()))
	m.stored(dgst)
	m.link(ctx, store.Location{Kind: store.LayerLink, Repository: repositoryOf(n), Digest: dgst})
}

func (m *model) abortLayer(n int) {
	ctx, _ := store.WithRequest(context.Background(), false)
	_, content := blobOf(n)
	w, upload := m.upload(ctx, repositoryOf(n), content[:len(content)/2])
	if n%3 == 0 {
		m.must("cancelling", w.Cancel(ctx))
	}
	m.must("closing", w.Close())
	m.must("removing an upload", m.driver.Delete(ctx, upload.Path()))
}

// pullManifest writes the tag first, as distribution does.
func (m *model) pullManifest(n int) {
	ctx, _ := store.WithRequest(context.Background(), false)
	dgst, content := blobOf(n)
	current := store.Location{Kind: store.TagCurrent, Repository: repositoryOf(n), Tag: "tag"}
	m.must("writing a tag", m.driver.PutContent(ctx, current.Path(), []byte(dgst)))
	m.must("writing a manifest", m.driver.PutContent(ctx, dataPath(dgst), content))
	m.stored(dgst)
	m.link(ctx, store.Location{Kind: store.RevisionLink, Repository: repositoryOf(n), Digest: dgst})
	m.link(ctx, store.Location{Kind: store.TagIndex, Repository: repositoryOf(n), Tag: "tag", Digest: dgst})
}

func (m *model) link(ctx context.Context, location store.Location) {
	m.must("writing a link", m.driver.PutContent(ctx, location.Path(), []byte(location.Digest)))
	if m.calm {
		m.links[location] = true
	}
}

func (m *model) stored(dgst digest.Digest) {
	if m.calm {
		m.blobs[dgst] = true
	}
}

// good says whether the store has the right content.
func (m *model) good(dgst digest.Digest) bool {
	content, err := m.disk.GetContent(context.Background(), dataPath(dgst))
	return err == nil && digest.FromBytes(content) == dgst
}

func (m *model) read(n int) { m.readFrom(n, 0) }

func (m *model) readPart(n int) {
	_, content := blobOf(n)
	m.readFrom(n, int64(len(content)/3))
}

func (m *model) readFrom(n int, offset int64) {
	dgst, content := blobOf(n)
	ctx, request := store.WithRequest(context.Background(), n%7 == 6)
	good := m.good(dgst)
	file, err := m.driver.Reader(ctx, dataPath(dgst), offset)
	if err != nil {
		m.expectMissing(dgst, err, n%7 == 6)
		return
	}
	m.finish(dgst, reader{ReadCloser: file, request: request}, content[offset:], good)
	synctest.Wait()
	if m.calm && offset == 0 && !good && len(m.held[dgst]) == 0 {
		if _, err := m.disk.Stat(context.Background(), dataPath(dgst)); err == nil && !m.good(dgst) {
			m.t.Errorf("%s is bad, was read, and is still there", dgst)
		}
	}
}

func (m *model) expectMissing(dgst digest.Digest, err error, bypass bool) {
	if !errors.As(err, &storagedriver.PathNotFoundError{}) {
		m.t.Errorf("the trouble of the store shows: %v", err)
	}
	if m.calm && m.blobs[dgst] && !bypass {
		m.t.Errorf("%s is not there: %v", dgst, err)
	}
}

// finish reads to the end: what comes is right, or the request knows that it is not.
func (m *model) finish(dgst digest.Digest, file reader, want []byte, good bool) {
	got, err := io.ReadAll(file)
	_ = file.Close()
	switch {
	case !good || m.rotten[dgst]:
	case !bytes.HasPrefix(want, got):
		m.t.Errorf("%d bytes of %s are wrong", len(got), dgst)
	case len(got) < len(want) && file.request.Trouble() == nil:
		m.t.Errorf("%s ends early and nobody knows: %d of %d bytes, %v", dgst, len(got), len(want), err)
	}
	if err != nil && m.calm {
		m.t.Errorf("reading %s: %v", dgst, err)
	}
	if errors.Is(err, syscall.EIO) || file.rotten { // it will not become better, so it is dropped
		m.spoil(dgst)
	}
}

func (m *model) stat(n int) {
	ctx, _ := store.WithRequest(context.Background(), false)
	dgst, content := blobOf(n)
	info, err := m.driver.Stat(ctx, dataPath(dgst))
	if err != nil {
		m.expectMissing(dgst, err, false)
	} else if info.Size() != int64(len(content)) && !m.rotten[dgst] {
		m.t.Errorf("%s has %d bytes", dgst, info.Size())
	}
}

func (m *model) readLink(n int) {
	ctx, _ := store.WithRequest(context.Background(), false)
	dgst, _ := blobOf(n)
	location := store.Location{Kind: store.LayerLink, Repository: repositoryOf(n), Digest: dgst}
	content, err := m.driver.GetContent(ctx, location.Path())
	if err != nil {
		m.expectMissing("", err, false)
		if m.calm && m.links[location] {
			m.t.Errorf("%s is not there: %v", location.Path(), err)
		}
	} else if string(content) != string(dgst) {
		m.t.Errorf("%s contains %q", location.Path(), content)
	}
}

// evict does what the keeper does.
func (m *model) evict(n int) {
	dgst, _ := blobOf(n)
	evicted, err := m.driver.Evict(dgst, func() error {
		for _, p := range m.files() {
			if l := store.Parse(p); l.IsLink() && m.target(p) == dgst {
				if err := m.disk.Delete(context.Background(), path.Dir(p)); err != nil {
					return err
				}
			}
		}
		if err := m.disk.Delete(context.Background(), store.BlobFolder(dgst)); err != nil && !errors.As(err, &storagedriver.PathNotFoundError{}) {
			return err
		}
		return nil
	})
	m.must("evicting", err)
	if len(m.held[dgst]) > 0 && evicted {
		m.t.Errorf("%s was evicted while it was read", dgst)
	}
	if evicted {
		m.forget(dgst)
	}
}

func (m *model) forget(dgst digest.Digest) {
	delete(m.blobs, dgst)
	for l := range m.links {
		if l.Digest == dgst {
			delete(m.links, l)
		}
	}
}

func (m *model) spoil(dgst digest.Digest) {
	m.forget(dgst)
	m.rotten[dgst] = true
}

func (m *model) fail(n int) {
	m.calmDown(0)
	fault := faulty[n%len(faulty)]
	if fault.Err == nil {
		m.hang = make(chan struct{})
		fault.Hang = m.hang
	}
	m.calm = false
	m.faults.Set(&fault)
}

// calmDown ends the store's trouble.
func (m *model) calmDown(int) {
	m.faults.Set(nil)
	if m.hang != nil {
		close(m.hang)
		m.hang = nil
	}
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	m.calm = true
}

// rot changes what is stored behind everybody's back.
func (m *model) rot(n int) {
	dgst, content := blobOf(n)
	if _, err := m.disk.Stat(context.Background(), dataPath(dgst)); err != nil {
		return
	}
	changed := bytes.Clone(content)
	changed[len(changed)/2] ^= 4
	m.must("rotting", m.disk.PutContent(context.Background(), dataPath(dgst), changed[:len(changed)-n%2]))
	for i := range m.held[dgst] {
		m.held[dgst][i].rotten = true
	}
	m.spoil(dgst)
}

func (m *model) hold(n int) {
	dgst, _ := blobOf(n)
	ctx, request := store.WithRequest(context.Background(), false)
	good := m.good(dgst)
	if file, err := m.driver.Reader(ctx, dataPath(dgst), 0); err == nil {
		m.held[dgst] = append(m.held[dgst], reader{ReadCloser: file, request: request, rotten: !good})
	}
}

func (m *model) letGo(n int) {
	dgst, content := blobOf(n)
	for _, file := range m.held[dgst] {
		m.finish(dgst, file, content, m.good(dgst))
	}
	delete(m.held, dgst)
}

// end looks at what is stored at rest.
func (m *model) end() {
	for n := range contents {
		m.letGo(n)
	}
	m.calmDown(0)
	if err := m.driver.Close(); err != nil {
		m.t.Error(err)
	}
	for dgst := range m.blobs {
		if !m.good(dgst) {
			m.t.Errorf("%s should be stored", dgst)
		}
	}
	for _, p := range m.files() {
		switch l := store.Parse(p); {
		case l.Kind == store.BlobData:
			if !m.good(l.Digest) && !m.rotten[l.Digest] {
				m.t.Errorf("%s is bad", p)
			}
		case l.IsLink():
			if dgst := m.target(p); !m.good(dgst) && !m.rotten[dgst] {
				m.t.Errorf("%s points to nothing good", p)
			}
		case m.busy && strings.HasSuffix(p, ".tmp"):
		default:
			m.t.Errorf("left over: %s", p)
		}
	}
}

func (m *model) target(p string) digest.Digest {
	content, err := m.disk.GetContent(context.Background(), p)
	m.must("reading a link", err)
	return digest.Digest(content)
}

func (m *model) files() (files []string) {
	err := m.disk.Walk(context.Background(), "/", func(info storagedriver.FileInfo) error {
		if !info.IsDir() && !strings.HasPrefix(info.Path(), "/.") {
			files = append(files, info.Path())
		}
		return nil
	})
	m.must("walking", err)
	return files
}
