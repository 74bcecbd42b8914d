package registries

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory" // what an Upstream stores in
	"github.com/sirupsen/logrus"
)

// UpstreamOptions says what kind of upstream it is. The zero value is plain HTTP, open to everybody, as fast as it can.
type UpstreamOptions struct {
	// TLS serves https with a certificate of a CA of its own (Upstream.CA).
	TLS bool
	// Auth says how clients authenticate, with Username and Password.
	Auth     Auth
	Username string
	Password string
	// Public says which repositories everybody may read, credentials or none, of an upstream with AuthBearer: as on Docker Hub.
	// Nil is none.
	Public func(repository string) bool
	// URL is how clients reach the upstream if it is served elsewhere through Upstream.Handler; by default its own address.
	URL string
	// Latency is added to each request, and BytesPerSecond is what all responses together get, as on one line;
	// 0 is no limit.
	Latency        time.Duration
	BytesPerSecond int64
}

// Upstream is a registry in memory, served on loopback.
type Upstream struct {
	options UpstreamOptions
	app     *handlers.App
	handler http.Handler
	server  *httptest.Server
	ca      *CA
	tokens  tokens
	counter counter
	pace    pace
}

// quietOnce silences distribution's logger, which is logrus' global one: an app can be given no other.
var quietOnce sync.Once

// StartUpstream starts an empty upstream.
func StartUpstream(options UpstreamOptions) (*Upstream, error) {
	quietOnce.Do(func() { logrus.SetOutput(io.Discard) })
	u := &Upstream{options: options, pace: pace{latency: options.Latency, bytesPerSecond: options.BytesPerSecond}}
	app, err := newApp()
	if err != nil {
		return nil, err
	}
	u.app = app
	u.handler = u.counter.count(u.pace.slow(u.authenticate(u.app)))
	u.server = httptest.NewUnstartedServer(u.handler)
	u.server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that try https first are no news
	if !options.TLS {
		u.server.Start()
		return u, nil
	}
	if err := u.startTLS(); err != nil {
		return nil, err
	}
	return u, nil
}

func (u *Upstream) startTLS() error {
	ca, err := NewCA()
	if err != nil {
		return err
	}
	certificate, err := ca.Issue()
	if err != nil {
		return err
	}
	u.ca = ca
	u.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	u.server.EnableHTTP2 = true // as the big registries do
	u.server.StartTLS()
	return nil
}

// newApp returns distribution's handlers over a store in memory. It panics where another library returns an error.
func newApp() (app *handlers.App, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("creating upstream registry: %v", r)
		}
	}()
	return handlers.NewApp(context.Background(), &configuration.Configuration{
		Version: "0.1",
		Storage: configuration.Storage{
			"inmemory":    configuration.Parameters{},
			"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
		},
	}), nil
}

// URL returns scheme, host and port, without a slash at the end.
func (u *Upstream) URL() string { return u.server.URL }

// Host returns host and port.
func (u *Upstream) Host() string { return u.server.Listener.Addr().String() }

// Handler serves the upstream as its own server does: for one that listens elsewhere, see UpstreamOptions.URL.
func (u *Upstream) Handler() http.Handler { return u.handler }

// InMemory reaches the upstream without a network, and without being asked for credentials, slowed or counted.
func (u *Upstream) InMemory() http.RoundTripper { return inMemory{u.app} }

// CA returns the CA of an upstream with TLS, else nil.
func (u *Upstream) CA() *CA { return u.ca }

// Counts returns how many requests there have been so far, the refused ones included.
func (u *Upstream) Counts() Counts { return u.counter.get() }

// Close stops the server, waiting for the requests that run.
func (u *Upstream) Close() error {
	u.server.Close()
	return u.app.Shutdown()
}

// inMemory is a transport that calls a handler without a network.
type inMemory struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inMemory) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	if request.Body == nil {
		request.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	t.handler.ServeHTTP(recorder, request)
	response := recorder.Result()
	response.Request = request
	return response, request.Body.Close()
}
