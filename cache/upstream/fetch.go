package upstream

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// fetch makes one request of the three that distribution makes for each blob that it does not have: it asks HEAD when the request
// comes, HEAD again when it begins to serve, and only then GET. Upstreams are far away, and a node that asked them itself would
// ask once. So the first HEAD is sent as a GET, both are answered from that one's header, and its body is there for the GET. That
// also serves from upstreams whose HEAD is of no use: https://github.com/distribution/distribution/issues/4545, 4747 and 4895.
type fetch struct {
	mu sync.Mutex
	// held are the responses to GET by their URLs: that of the registry, which may lead elsewhere, and that of where it leads.
	held map[string]*http.Response
}

// heldFor is how long a body is held for a GET that does not come, because the blob is there meanwhile or something is slow: the
// upstream's patience is not known.
const heldFor = 20 * time.Second

type fetchKey struct{}

// WithFetch returns a context for serving one request of a client for a blob, and a function to call when that has ended. It must
// not be used for manifests: registries count each GET of one as a pull, and do not count HEAD.
func WithFetch(ctx context.Context) (context.Context, func()) {
	f := &fetch{held: map[string]*http.Response{}}
	return context.WithValue(ctx, fetchKey{}, f), f.end
}

func fetchOf(request *http.Request) *fetch {
	f, _ := request.Context().Value(fetchKey{}).(*fetch)
	return f
}

func (f *fetch) roundTrip(request *http.Request, t *Transport) (*http.Response, error) {
	switch {
	case request.Method == http.MethodHead:
		return f.head(request, t)
	case request.Method == http.MethodGet && request.Header.Get("Range") == "":
		if response := f.take(request); response != nil {
			return response, nil
		}
	}
	return t.send(request)
}

// head answers HEAD by what GET has brought.
func (f *fetch) head(request *http.Request, t *Transport) (*http.Response, error) {
	first := firstOf(request)
	if _, off := t.lengthless.Load(first.URL.Host); off {
		return t.send(request)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	url := request.URL.String()
	if held, ok := f.held[url]; ok {
		return withoutBody(held, request), nil
	}
	get := request.Clone(request.Context())
	get.Method = http.MethodGet
	get.Header.Set("Accept-Encoding", "identity") // or the length would not be the blob's
	response, err := t.send(get)
	if err != nil {
		return nil, err
	}
	switch {
	case isRedirect(response):
		drop(response)
		f.held[url] = response
	case isWhole(response):
		f.held[url] = response
		time.AfterFunc(heldFor, func() { f.giveUp(url, response) })
	case response.StatusCode < http.StatusBadRequest:
		_ = response.Body.Close()
		clear(f.held)
		t.lengthless.Store(first.URL.Host, true)
		return headAgain(first, t)
	default:
		drop(response)
	}
	return withoutBody(response, request), nil
}

// firstOf returns the request that led to this one by redirects.
func firstOf(request *http.Request) *http.Request {
	for request.Response != nil && request.Response.Request != nil {
		request = request.Response.Request
	}
	return request
}

// headAgain begins anew, and asks HEAD: where a GET leads HEAD may not be welcome, as signatures are for one method.
func headAgain(first *http.Request, t *Transport) (*http.Response, error) {
	return (&http.Client{Transport: roundTripper(t.send)}).Do(first.Clone(first.Context()))
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (send roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	return send(request)
}

// maximumDrop is how much of a body is read to use its connection again: that of a redirect or an error, as net/http does.
const maximumDrop = 2 << 10

// drop gives up a body that nobody wants.
func drop(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, maximumDrop)
	_ = response.Body.Close()
	response.Body = http.NoBody
}

// take returns what a HEAD has brought, once.
func (f *fetch) take(request *http.Request) *http.Response {
	f.mu.Lock()
	defer f.mu.Unlock()
	url := request.URL.String()
	held, ok := f.held[url]
	if !ok {
		return nil
	}
	delete(f.held, url)
	held.Request = request
	return held
}

// giveUp closes what nobody has come for in time. A GET that comes later is sent.
func (f *fetch) giveUp(url string, response *http.Response) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held[url] == response {
		delete(f.held, url)
		_ = response.Body.Close()
	}
}

// end closes what nobody has come for.
func (f *fetch) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, response := range f.held {
		_ = response.Body.Close()
	}
	clear(f.held)
}

// isRedirect says whether a response leads elsewhere, as most registries' do for blobs.
func isRedirect(response *http.Response) bool {
	return response.StatusCode >= http.StatusMultipleChoices && response.StatusCode < http.StatusBadRequest &&
		response.Header.Get("Location") != ""
}

// isWhole says whether a response has all of a blob, and says how long that is, without which distribution does not serve it.
func isWhole(response *http.Response) bool {
	return response.StatusCode == http.StatusOK && response.ContentLength >= 0 && response.Header.Get("Content-Encoding") == ""
}

// withoutBody returns a response as HEAD would have brought it.
func withoutBody(response *http.Response, request *http.Request) *http.Response {
	head := *response
	head.Header = response.Header.Clone()
	head.Body = http.NoBody
	head.Request = request
	return &head
}
