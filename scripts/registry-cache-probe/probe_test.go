package main

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

var patient = options{connect: 5 * time.Second, total: 10 * time.Second}

// Every status is an answer, and the number says which URL it is of, also if that is given twice.
func TestAnswers(t *testing.T) {
	server := serve(t, "HTTP/1.1 503 Service Unavailable\r\n")
	fine := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v2/" || r.Host == "" {
			t.Errorf("the probe must be GET /v2/ with a host, got %s %s %q", r.Method, r.URL, r.Host)
		}
	}))
	t.Cleanup(fine.Close)
	want := []string{
		"200 " + fine.URL + "/v2/ 127.0.0.1 1",
		"200 " + fine.URL + "/v2/ 127.0.0.1 2",
		"503 " + server + "/v2/ 127.0.0.1 0",
	}
	if got := answersOf(patient, server+"/v2/", fine.URL+"/v2/", fine.URL+"/v2/"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is no complete status line is no answer.
func TestSilences(t *testing.T) {
	for _, text := range []string{"", "HTTP/1.1 200 OK", "SSH-2.0-x\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2x0 OK\r\n", "\r\n", strings.Repeat("x", 1<<20)} {
		if got := answersOf(patient, serve(t, text)+"/v2/"); len(got) != 0 {
			t.Errorf("%.20q must be no answer, got %q", text, got)
		}
	}
	for _, url := range []string{"ftp://127.0.0.1/v2/", "://", closed(t) + "/v2/"} {
		if got := answersOf(patient, url); len(got) != 0 {
			t.Errorf("%s must not answer, got %q", url, got)
		}
	}
}

// A server that accepts and says nothing takes the whole time and no more; others are not held up.
func TestLimits(t *testing.T) {
	stalled, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stalled.Close() })
	urls := []string{"http://" + stalled.Addr().String() + "/v2/", "https://" + stalled.Addr().String() + "/v2/", serve(t, "HTTP/1.1 200 OK\r\n") + "/v2/"}
	start := time.Now()
	got := answersOf(options{connect: 200 * time.Millisecond, total: 400 * time.Millisecond}, urls...)
	if len(got) != 1 || !strings.HasSuffix(got[0], " 2") {
		t.Errorf("only the last must answer, got %q", got)
	}
	if took := time.Since(start); took < 400*time.Millisecond || took > 5*time.Second {
		t.Errorf("the time must be limited to 400ms, was %s", took)
	}
}

// Certificates are verified: by the authorities that are given, and for the host that is asked.
func TestVerifies(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	trusting := patient
	trusting.roots = x509.NewCertPool()
	trusting.roots.AddCert(server.Certificate()) // for 127.0.0.1 and example.com
	if got := answersOf(trusting, server.URL+"/v2/"); len(got) != 1 {
		t.Errorf("a trusted server must answer, got %q", got)
	}
	if got := answersOf(patient, server.URL+"/v2/"); len(got) != 0 {
		t.Errorf("a server that is not trusted must not answer, got %q", got)
	}
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	if got := answersOf(trusting, "https://localhost:"+port+"/v2/"); len(got) != 0 {
		t.Errorf("a certificate of another host must be no answer, got %q", got)
	}
}

func answersOf(o options, urls ...string) []string {
	var answers, silences bytes.Buffer
	probeAll(urls, o, &answers, &silences)
	if answers.Len() == 0 {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(answers.String()), "\n")
	slices.Sort(lines)
	return lines
}

// serve answers each connection with a text, after the first bytes of a request, and closes it.
func serve(t *testing.T, text string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = connection.Read(make([]byte, 4096))
			_, _ = fmt.Fprint(connection, text)
			_ = connection.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

func closed(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return "http://" + listener.Addr().String()
}
