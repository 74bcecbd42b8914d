// Package faults is a storage driver that fails on demand, for tests of what stands above it.
package faults

import (
	"context"
	"io"
	"strings"
	"sync"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
)

// Operation is what a storage driver, or a file of it, is asked to do.
type Operation string

// The operations that can fail.
const (
	Stat       Operation = "stat"
	GetContent Operation = "get content"
	PutContent Operation = "put content"
	Reader     Operation = "open for reading"
	Read       Operation = "read"
	Writer     Operation = "open for writing"
	Write      Operation = "write"
	Commit     Operation = "commit"
	Close      Operation = "close"
	Move       Operation = "move"
	Delete     Operation = "delete"
)

// Fault is one way to fail.
type Fault struct {
	Operation Operation
	// Path is a part of the path that fails; of a move, of its destination. Empty is every path.
	Path string
	// At is the number of bytes of a file that are read or written before it fails.
	At int64
	// After is how often the operation succeeds before it fails.
	After int
	// Err is what the operation returns.
	Err error
	// Hang, if not nil, is what the operation waits for before it does anything.
	Hang <-chan struct{}
	// Leave makes a failed PutContent leave its temporary file, as the filesystem driver does when it cannot commit.
	Leave bool
}

// Driver fails as its fault says.
type Driver struct {
	storagedriver.StorageDriver
	mu     sync.Mutex
	fault  *Fault
	spared int
	count  int
}

// New wraps a driver that works.
func New(inner storagedriver.StorageDriver) *Driver { return &Driver{StorageDriver: inner} }

// Set makes the driver fail from now on; nil makes it work again.
func (d *Driver) Set(fault *Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.spared, d.count = fault, 0, 0
}

// Count says how often the fault has struck.
func (d *Driver) Count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// strike waits or fails if it is the fault's turn. Bytes from offset to end are about to be read or written.
func (d *Driver) strike(operation Operation, path string, offset, end int64) error {
	d.mu.Lock()
	fault := d.fault
	hit := fault != nil && fault.Operation == operation && strings.Contains(path, fault.Path) &&
		(offset == end || fault.At < end)
	if hit && d.spared < fault.After {
		d.spared++
		hit = false
	}
	if hit {
		d.count++
	}
	d.mu.Unlock()
	if !hit {
		return nil
	}
	if fault.Hang != nil {
		<-fault.Hang
		return nil
	}
	if fault.Err == nil {
		return nil
	}
	return storagedriver.Error{DriverName: d.Name(), Detail: fault.Err} // as package base does
}

// Stat implements storagedriver.StorageDriver.
func (d *Driver) Stat(ctx context.Context, path string) (storagedriver.FileInfo, error) {
	if err := d.strike(Stat, path, 0, 0); err != nil {
		return nil, err
	}
	return d.StorageDriver.Stat(ctx, path)
}

// GetContent implements storagedriver.StorageDriver.
func (d *Driver) GetContent(ctx context.Context, path string) ([]byte, error) {
	if err := d.strike(GetContent, path, 0, 0); err != nil {
		return nil, err
	}
	return d.StorageDriver.GetContent(ctx, path)
}

// PutContent implements storagedriver.StorageDriver.
func (d *Driver) PutContent(ctx context.Context, path string, content []byte) error {
	if err := d.strike(PutContent, path, 0, 0); err != nil {
		if d.leaves() {
			_ = d.StorageDriver.PutContent(ctx, path+".1234.tmp", content[:len(content)/2])
		}
		return err
	}
	return d.StorageDriver.PutContent(ctx, path, content)
}

func (d *Driver) leaves() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fault != nil && d.fault.Leave
}

// Move implements storagedriver.StorageDriver.
func (d *Driver) Move(ctx context.Context, source, destination string) error {
	if err := d.strike(Move, destination, 0, 0); err != nil {
		return err
	}
	return d.StorageDriver.Move(ctx, source, destination)
}

// Delete implements storagedriver.StorageDriver.
func (d *Driver) Delete(ctx context.Context, path string) error {
	if err := d.strike(Delete, path, 0, 0); err != nil {
		return err
	}
	return d.StorageDriver.Delete(ctx, path)
}

// Reader implements storagedriver.StorageDriver.
func (d *Driver) Reader(ctx context.Context, path string, offset int64) (io.ReadCloser, error) {
	if err := d.strike(Reader, path, 0, 0); err != nil {
		return nil, err
	}
	file, err := d.StorageDriver.Reader(ctx, path, offset)
	if err != nil {
		return nil, err
	}
	return &reader{ReadCloser: file, driver: d, path: path, offset: offset}, nil
}

// Writer implements storagedriver.StorageDriver.
func (d *Driver) Writer(ctx context.Context, path string, appending bool) (storagedriver.FileWriter, error) {
	if err := d.strike(Writer, path, 0, 0); err != nil {
		return nil, err
	}
	file, err := d.StorageDriver.Writer(ctx, path, appending)
	if err != nil {
		return nil, err
	}
	return &writer{FileWriter: file, driver: d, path: path}, nil
}

type reader struct {
	io.ReadCloser
	driver *Driver
	path   string
	offset int64
}

// Read implements io.Reader. What is before the fault is read first.
func (r *reader) Read(p []byte) (int, error) {
	if at, ok := r.driver.at(Read, r.path); ok && r.offset < at {
		p = p[:min(int64(len(p)), at-r.offset)]
	}
	if err := r.driver.strike(Read, r.path, r.offset, r.offset+int64(len(p))); err != nil {
		return 0, err
	}
	n, err := r.ReadCloser.Read(p)
	r.offset += int64(n)
	return n, err
}

// at returns where the fault of this operation strikes.
func (d *Driver) at(operation Operation, path string) (int64, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault == nil || d.fault.Operation != operation || !strings.Contains(path, d.fault.Path) {
		return 0, false
	}
	return d.fault.At, true
}

type writer struct {
	storagedriver.FileWriter
	driver *Driver
	path   string
	offset int64
}

// Write implements io.Writer. What is before the fault is written first.
func (w *writer) Write(p []byte) (int, error) {
	end := w.offset + int64(len(p))
	if err := w.driver.strike(Write, w.path, w.offset, end); err != nil {
		at, _ := w.driver.at(Write, w.path)
		n, _ := w.FileWriter.Write(p[:max(0, min(int64(len(p)), at-w.offset))])
		w.offset += int64(n)
		return n, err
	}
	n, err := w.FileWriter.Write(p)
	w.offset += int64(n)
	return n, err
}

// Commit implements storagedriver.FileWriter.
func (w *writer) Commit(ctx context.Context) error {
	if err := w.driver.strike(Commit, w.path, 0, 0); err != nil {
		return err
	}
	return w.FileWriter.Commit(ctx)
}

// Close implements io.Closer.
func (w *writer) Close() error {
	if err := w.driver.strike(Close, w.path, 0, 0); err != nil {
		_ = w.FileWriter.Close()
		return err
	}
	return w.FileWriter.Close()
}
