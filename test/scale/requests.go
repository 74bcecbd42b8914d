package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"k8s.io/apimachinery/pkg/util/sets"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"

	"github.com/registry-cache/registry-cache/test/extension"
)

// auditPolicy makes the API server log the requests of the extension and no others.
//
//go:embed testdata/auditpolicy.yaml
var auditPolicy []byte

// request is a kind of request of the extension.
type request struct {
	where    string // whose API server: seed, shoot; own is the extension's own namespace, and what has no namespace
	verb     string
	resource string
	failed   bool // not found, mostly
}

// writes says whether it changes something; reads and watches do not.
func (r request) writes() bool {
	return !sets.New("get", "list", "watch").Has(r.verb)
}

// requests counts what the extension asks API servers for: the seed's says it in its audit log, the played ones of the
// shoots count themselves.
type requests struct {
	lock   sync.Mutex
	counts map[request]int
	// connections that the extension has opened to shoots, and those that are open.
	opened, open int

	pipe *os.File
	info *apirequest.RequestInfoFactory
}

func newRequests() *requests {
	return &requests{
		counts: map[request]int{},
		info:   &apirequest.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")},
	}
}

// listenToAudit returns the arguments with which the API server writes its audit log into a pipe, and reads that. A file
// would have hundreds of MiB, and a webhook may leave events out.
func (r *requests) listenToAudit(dir string) ([]string, error) {
	policy, pipe := filepath.Join(dir, "auditpolicy.yaml"), filepath.Join(dir, "audit")
	if err := os.WriteFile(policy, auditPolicy, 0o600); err != nil {
		return nil, fmt.Errorf("writing the audit policy: %w", err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		return nil, fmt.Errorf("making a pipe for the audit log: %w", err)
	}
	var err error
	if r.pipe, err = os.OpenFile(pipe, os.O_RDWR, 0); err != nil { // with O_RDONLY it would wait for the API server
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	go r.readAudit()
	return []string{
		"--audit-policy-file=" + policy, "--audit-log-path=" + pipe,
		"--audit-log-maxsize=1000000", // after so many MiB it would put a file in the pipe's place
	}, nil
}

func (r *requests) close() error {
	if r.pipe == nil {
		return nil
	}
	return r.pipe.Close()
}

// readAudit counts until the pipe is closed. A line that is no event would be a defect of this program.
func (r *requests) readAudit() {
	decoder := json.NewDecoder(bufio.NewReaderSize(r.pipe, 1<<20))
	for {
		var event auditv1.Event
		if err := decoder.Decode(&event); err != nil {
			if !errors.Is(err, fs.ErrClosed) {
				panic(fmt.Errorf("reading the audit log: %w", err))
			}
			return
		}
		r.count(fromAudit(&event))
	}
}

func fromAudit(event *auditv1.Event) request {
	kind := request{where: "own", verb: event.Verb, failed: event.ResponseStatus != nil && event.ResponseStatus.Code >= http.StatusBadRequest}
	object := event.ObjectRef
	if object == nil {
		kind.resource = event.RequestURI
		return kind
	}
	if object.Namespace != "" && object.Namespace != extension.Namespace {
		kind.where = "seed"
	}
	kind.resource = withSubresource(object.Resource, object.Subresource)
	return kind
}

func withSubresource(resource, subresource string) string {
	if subresource != "" {
		return resource + "/" + subresource
	}
	return resource
}

func (r *requests) count(kind request) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.counts[kind]++
}

// countShoot counts the requests to the API server of a shoot.
func (r *requests) countShoot(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request_ *http.Request) {
		kind := request{where: "shoot", verb: request_.Method, resource: request_.URL.Path}
		if info, err := r.info.NewRequestInfo(request_); err == nil && info.IsResourceRequest {
			kind.verb, kind.resource = info.Verb, withSubresource(info.Resource, info.Subresource)
		}
		r.count(kind)
		next.ServeHTTP(w, request_)
	})
}

func (r *requests) countConnections(_ net.Conn, state http.ConnState) {
	r.lock.Lock()
	defer r.lock.Unlock()
	switch state {
	case http.StateNew:
		r.opened++
		r.open++
	case http.StateClosed:
		r.open--
	default: // in between nothing is opened or closed
	}
}

// snapshot returns the counts so far.
func (r *requests) snapshot() (counts map[request]int, opened, open int) {
	r.lock.Lock()
	defer r.lock.Unlock()
	return maps.Clone(r.counts), r.opened, r.open
}
