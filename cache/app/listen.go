package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/listener"
	"github.com/sirupsen/logrus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// listenAndServe serves clients until the program is told to stop, as distribution's registry does, but with a key pair that may
// change and a stop that nobody notices. What is left to distribution is what that would have to be written again for.
func (c *cache) listenAndServe(config *configuration.Configuration) error {
	options := config.HTTP.TLS
	if options.LetsEncrypt.CacheFile != "" || options.ClientAuth != "" || len(options.ClientCAs)+len(options.CipherSuites) > 0 {
		logrus.Warn("http.tls has more than certificate, key and minimumtls: another key pair needs a restart, and a pull that begins at one may wait")
		return c.registry.ListenAndServe()
	}
	server, err := c.server(config)
	if err != nil {
		return err
	}
	l, err := listener.NewListener(config.HTTP.Net, config.HTTP.Addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", config.HTTP.Addr, err)
	}
	if server.TLSConfig == nil {
		logrus.Infof("listening on %v", l.Addr())
		return c.serve(server, func() error { return server.Serve(l) }, config.HTTP.DrainTimeout)
	}
	logrus.Infof("listening on %v, tls", l.Addr())
	return c.serve(server, func() error { return server.ServeTLS(l, "", "") }, config.HTTP.DrainTimeout)
}

// tlsVersions are distribution's names.
var tlsVersions = map[string]uint16{"": tls.VersionTLS12, "tls1.2": tls.VersionTLS12, "tls1.3": tls.VersionTLS13}

// server is distribution's server.
func (c *cache) server(config *configuration.Configuration) (*http.Server, error) {
	tlsConfig, err := newTLSConfig(config)
	if err != nil {
		return nil, err
	}
	var handler http.Handler = c.front
	if wantsTraces(config) {
		handler = otelhttp.NewHandler(handler, "", otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
			return r.Method + " " + r.URL.Path
		}))
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!config.HTTP.HTTP2.Disabled)
	protocols.SetUnencryptedHTTP2(config.HTTP.H2C.Enabled)
	//nolint:gosec // as distribution's, it gives clients all the time they need
	return &http.Server{Handler: handler, Protocols: protocols, TLSConfig: tlsConfig}, nil
}

// newTLSConfig returns nil if there is to be no TLS.
func newTLSConfig(config *configuration.Configuration) (*tls.Config, error) {
	if config.HTTP.TLS.Certificate == "" {
		return nil, nil
	}
	version, ok := tlsVersions[config.HTTP.TLS.MinimumTLS]
	if !ok {
		return nil, fmt.Errorf("http.tls.minimumtls must be tls1.2 or tls1.3, got %q", config.HTTP.TLS.MinimumTLS)
	}
	pair, err := newKeyPair(config.HTTP.TLS.Certificate, config.HTTP.TLS.Key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: version, GetCertificate: pair.get}, nil
}

// serve serves until it is told to stop. Then it leaves its Service first, and gives its clients what is left of the time that the
// configuration says.
func (c *cache) serve(server *http.Server, accept func() error, drain time.Duration) error {
	told, forget := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer forget()
	ended := make(chan error, 1)
	go func() { ended <- accept() }()
	select {
	case err := <-ended:
		return err
	case <-told.Done():
		forget() // who says so twice need not wait
	}
	leave := min(c.leaving.leave(), drain)
	logrus.Infof("stopping: new clients have %s, others %s", leave, drain)
	select {
	case err := <-ended:
		return err
	case <-time.After(leave):
	}
	ctx, cancel := context.WithTimeout(context.Background(), drain-leave)
	defer cancel()
	return errors.Join(server.Shutdown(ctx), c.registry.Shutdown(ctx))
}
