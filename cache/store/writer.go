package store

import (
	"context"
	"hash/crc32"
	"io"
	"sync"
	"time"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
)

const (
	// chunkSize is how much is written to the store at once. On ext4 with large folios (Linux 6.18, in a virtual machine)
	// larger writes were measured to cost up to twice the processor time.
	chunkSize = 16 << 10
	// chunksBehind is how many chunks the store may be behind the client: 1 MiB.
	chunksBehind = 64
)

var chunks = sync.Pool{New: func() any {
	chunk := make([]byte, 0, chunkSize)
	return &chunk
}}

// writer takes whatever it is given and stores it behind the client's back. It never fails: what it could not store is
// known by result.
type writer struct {
	driver  *Driver
	request *Request
	path    string
	folder  string
	notes   map[string][]byte
	queue   chan *[]byte
	done    chan struct{} // closed when run has ended

	// Used by the goroutine that writes to it:
	chunk    *[]byte
	patience time.Duration // how long the client may still be made to wait
	stopped  bool

	mu        sync.Mutex
	size      int64
	err       error // why it is not stored
	commit    bool  // false when the queue ends: it is not wanted
	ended     bool  // run has ended
	abandoned bool  // distribution has no use for it any more
	hung      bool  // run does not come back
	progress  time.Time
	sum       sum
}

var _ storagedriver.FileWriter = (*writer)(nil)

func newWriter(d *Driver, request *Request, p, folder string) *writer {
	return &writer{
		driver:   d,
		request:  request,
		path:     p,
		folder:   folder,
		queue:    make(chan *[]byte, chunksBehind),
		done:     make(chan struct{}),
		patience: d.options.OpTimeout,
		progress: time.Now(),
	}
}

// Write implements io.Writer. It waits for the store for as long as the client can bear, all in all.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.size += int64(len(p))
	wanted := w.err == nil
	w.mu.Unlock()
	for rest := p; wanted && len(rest) > 0; {
		if w.chunk == nil {
			w.chunk = chunks.Get().(*[]byte)
			*w.chunk = (*w.chunk)[:0]
		}
		n := min(len(rest), chunkSize-len(*w.chunk))
		*w.chunk = append(*w.chunk, rest[:n]...)
		rest = rest[n:]
		if len(*w.chunk) == chunkSize {
			wanted = w.send()
		}
	}
	return len(p), nil
}

// send gives the chunk to the store, or gives up.
func (w *writer) send() bool {
	chunk := w.chunk
	w.chunk = nil
	select {
	case w.queue <- chunk:
		return true
	default:
	}
	if w.driver.Bypassed() {
		w.fail(errBypassed)
		return false
	}
	begin := time.Now()
	timer := time.NewTimer(w.patience)
	defer timer.Stop()
	select {
	case w.queue <- chunk:
		w.patience -= time.Since(begin)
		return true
	case <-timer.C:
		w.giveUp(w.driver.options.OpTimeout, errSlow)
		return false
	}
}

// giveUp ends the storing of what takes too long. If nothing happened for limit, the store hangs.
func (w *writer) giveUp(limit time.Duration, otherwise error) {
	w.mu.Lock()
	hangs := !w.ended && !w.hung && time.Since(w.progress) >= limit
	w.hung = w.hung || hangs
	w.mu.Unlock()
	if hangs {
		otherwise = errHangs
		w.driver.hung()
	}
	w.fail(otherwise)
}

// fail says that the upload is not stored, and why.
func (w *writer) fail(err error) {
	w.mu.Lock()
	first := w.err == nil
	if first {
		w.err = err
	}
	w.mu.Unlock()
	if first {
		w.driver.notStored(w.request, err)
	}
}

func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Size implements storagedriver.FileWriter: it is what was written, stored or not.
func (w *writer) Size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.size
}

// Commit implements storagedriver.FileWriter. All bytes are with the client when distribution calls it, so the store may
// take its time.
func (w *writer) Commit(context.Context) error {
	w.stop(true)
	limit := w.driver.options.CommitTimeout
	for {
		timer := time.NewTimer(limit)
		select {
		case <-w.done:
			timer.Stop()
			return nil
		case <-timer.C:
		}
		w.mu.Lock()
		rest := limit - time.Since(w.progress)
		w.mu.Unlock()
		if rest <= 0 {
			w.giveUp(limit, errHangs)
			return nil
		}
		limit = rest
	}
}

// Cancel implements storagedriver.FileWriter.
func (w *writer) Cancel(context.Context) error {
	w.stop(false)
	return nil
}

// Close implements io.Closer. What was not committed by now is not wanted.
func (w *writer) Close() error {
	w.stop(false)
	return nil
}

// stop ends the queue.
func (w *writer) stop(commit bool) {
	if w.stopped {
		return
	}
	w.stopped = true
	w.mu.Lock()
	w.commit = commit
	w.mu.Unlock()
	if w.chunk != nil && commit && w.failure() == nil {
		w.sendLast()
	}
	close(w.queue)
}

// sendLast waits longer than send: the client has everything.
func (w *writer) sendLast() {
	timer := time.NewTimer(w.driver.options.CommitTimeout)
	defer timer.Stop()
	select {
	case w.queue <- w.chunk:
	case <-timer.C:
		w.giveUp(w.driver.options.CommitTimeout, errSlow)
	}
	w.chunk = nil
}

// abandon says that distribution has no use for the upload any more. It reports true when what is in the store has to be
// removed by the caller, and false when run does it.
func (w *writer) abandon() bool {
	w.stop(false)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.abandoned = true
	return w.ended && w.err == nil
}

// result returns what is stored, if all of it is.
func (w *writer) result() (sum, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && !w.ended {
		return sum{}, errHangs
	}
	return w.sum, w.err
}

// run writes the queue to the store.
func (w *writer) run() {
	defer close(w.done)
	file, err := w.open()
	for chunk := range w.queue {
		if err == nil && w.failure() == nil {
			err = w.write(file, *chunk)
		}
		w.moved()
		chunks.Put(chunk)
		if err != nil {
			w.fail(err)
		}
	}
	if err != nil { // nothing was written, so nothing has said so
		w.fail(err)
	}
	w.end(file)
}

// moved notes that the store did something.
func (w *writer) moved() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress = time.Now()
	if w.hung {
		w.hung = false
		w.driver.breaker.returned()
	}
}

// open makes the upload's folder and files. Nothing else in the store shows that it is being written.
func (w *writer) open() (storagedriver.FileWriter, error) {
	defer w.moved()
	ctx := context.Background()
	for p, content := range w.notes {
		if err := w.driver.inner.PutContent(ctx, p, content); err != nil {
			return nil, unwrap(err)
		}
	}
	file, err := w.driver.inner.Writer(ctx, w.path, false)
	return file, unwrap(err)
}

func (w *writer) write(file storagedriver.FileWriter, chunk []byte) error {
	n, err := file.Write(chunk)
	if err == nil && n < len(chunk) {
		err = io.ErrShortWrite
	}
	w.sum.size += int64(n)
	w.sum.crc = crc32.Update(w.sum.crc, castagnoli, chunk[:n])
	return unwrap(err)
}

// end commits what was written, or removes it.
func (w *writer) end(file storagedriver.FileWriter) {
	ctx := context.Background()
	w.mu.Lock()
	commit := w.commit && w.err == nil && !w.abandoned
	w.mu.Unlock()
	if commit {
		if err := file.Commit(ctx); err != nil {
			w.fail(unwrap(err))
		}
	}
	if file != nil {
		if commit && w.failure() == nil {
			if err := file.Close(); err != nil {
				w.fail(unwrap(err))
			}
		} else {
			_ = file.Cancel(ctx) // the whole folder goes anyway
		}
	}
	w.moved()
	w.mu.Lock()
	w.ended = true
	remove := w.err != nil || w.abandoned || !commit
	if remove && w.err == nil {
		w.err = context.Canceled
	}
	w.mu.Unlock()
	if remove {
		w.removeFolder(ctx)
	}
}

func (w *writer) removeFolder(ctx context.Context) {
	if err := w.driver.inner.Delete(ctx, w.folder); err != nil && !isNotFound(err) {
		w.driver.later(w.folder)
	}
}
