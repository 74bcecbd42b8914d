package upstream_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/registry-cache/registry-cache/cache/upstream"
)

func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard)
	goleak.VerifyTestMain(m)
}

// server is an upstream on loopback that notes what it is asked.
type server struct {
	*httptest.Server
	mu          sync.Mutex
	asked       []string
	connections int
}

func startServer(t *testing.T, handle http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		handle(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if state == http.StateNew {
			s.connections++
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// expectAsked fails unless the upstream was asked exactly this since the last time.
func (s *server) expectAsked(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.asked, want) {
		t.Errorf("the upstream was asked %q, want %q", s.asked, want)
	}
	s.asked = nil
}

// newClient returns what distribution's client of an upstream is made of.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	plain := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // of another kind no test would run
	client := &http.Client{Transport: upstream.New(hidden{plain}, prometheus.NewRegistry())}
	t.Cleanup(plain.CloseIdleConnections)
	return client
}

// hidden hides what a transport is, so that it is not cloned, and its connections are the test's.
type hidden struct{ *http.Transport }

// answer is what a client sees of a response.
type answer struct {
	status int
	length int64
	header http.Header
	body   string
}

func do(ctx context.Context, t *testing.T, client *http.Client, method, url string, header http.Header) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.ContentLength, response.Header, string(body)}
}
