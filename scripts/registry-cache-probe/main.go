// Command registry-cache-probe asks registries whether they answer, all at the same time, for the guard in the node helper
// image, which has neither curl nor a way to look up names.
//
// It prints "STATUS URL IP NUMBER" for each URL that sent a complete status line, NUMBER counting from 0 in the order of the
// arguments. Its options are named as curl's: the guard hands some of them to either. Certificates are verified, by the
// system's authorities if no other is named.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// longestStatus bounds what is read of somebody who never ends a line.
const longestStatus = 8 << 10

// options are those of all probes.
type options struct {
	connect, total time.Duration
	roots          *x509.CertPool
}

func main() {
	connect := flag.Int("connect-timeout", 1, "`seconds` for name, connection and handshake")
	total := flag.Int("max-time", 2, "`seconds` for a whole probe")
	authorities := flag.String("cacert", "", "`file` with the certificates of the authorities to trust, instead of the system's")
	flag.Parse()
	o := options{connect: time.Duration(*connect) * time.Second, total: time.Duration(*total) * time.Second}
	if *authorities != "" {
		var err error
		if o.roots, err = readRoots(*authorities); err != nil {
			fmt.Fprintln(os.Stderr, "registry-cache-probe:", err)
			os.Exit(1)
		}
	}
	probeAll(flag.Args(), o, os.Stdout, os.Stderr)
}

func readRoots(file string) (*x509.CertPool, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading authorities: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("reading authorities: %s must have a certificate", file)
	}
	return roots, nil
}

// probeAll prints answers as they come, and why there is none to the other writer.
func probeAll(urls []string, o options, answers, silences io.Writer) {
	var probes sync.WaitGroup
	var printing sync.Mutex
	for number, target := range urls {
		probes.Go(func() {
			status, ip, err := probe(target, o)
			printing.Lock()
			defer printing.Unlock()
			if err != nil {
				_, _ = fmt.Fprintf(silences, "registry-cache-probe: probing %s: %v\n", target, err)
				return
			}
			_, _ = fmt.Fprintln(answers, status, target, ip, number)
		})
	}
	probes.Wait()
}

// probe sends one GET and returns the status and the address that answered. What follows the status line is not waited for.
func probe(target string, o options) (status, ip string, err error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", "", err
	}
	deadline := time.Now().Add(o.total)
	connection, err := connect(u, o, deadline)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(deadline); err != nil {
		return "", "", err
	}
	request := "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: registry-cache-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"
	if _, err := fmt.Fprintf(connection, request, u.RequestURI(), u.Host); err != nil {
		return "", "", fmt.Errorf("sending the request: %w", err)
	}
	status, err = readStatus(connection)
	if err != nil {
		return "", "", fmt.Errorf("reading the status: %w", err)
	}
	ip, _, err = net.SplitHostPort(connection.RemoteAddr().String())
	return status, ip, err
}

// connect looks the host up, tries its addresses and shakes hands. No proxy is used: containerd has none for a cache.
func connect(u *url.URL, o options, deadline time.Time) (net.Conn, error) {
	if last := time.Now().Add(o.connect); last.Before(deadline) {
		deadline = last
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	port := u.Port()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("scheme must be http or https, got %q", u.Scheme)
	case port == "":
		port = u.Scheme
	}
	address := net.JoinHostPort(u.Hostname(), port)
	if u.Scheme == "https" {
		dialer := &tls.Dialer{Config: &tls.Config{RootCAs: o.roots}}
		return dialer.DialContext(ctx, "tcp", address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

// readStatus returns the number in the first line of an answer.
func readStatus(connection io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(connection, longestStatus)).ReadString('\n')
	if err != nil {
		return "", err
	}
	protocol, rest, _ := strings.Cut(line, " ")
	status, _, _ := strings.Cut(strings.TrimRight(rest, "\r\n"), " ")
	if !strings.HasPrefix(protocol, "HTTP/1.") || len(status) != 3 || strings.Trim(status, "0123456789") != "" {
		return "", fmt.Errorf("status line must be of HTTP/1, got %q", line)
	}
	return status, nil
}
