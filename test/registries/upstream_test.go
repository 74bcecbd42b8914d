package registries

import (
	"bytes"
	"context"
	"net/http"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

func TestUpstreamCountsByKind(t *testing.T) {
	t.Parallel()
	u := startUpstream(t, UpstreamOptions{})
	if u.Counts() != (Counts{}) {
		t.Errorf("the push was counted: %+v", u.Counts())
	}
	if _, err := Pull(t.Context(), u.Host()+"/"+demoImage, PullOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Manifests: 1, Blobs: 3, Other: 1}); u.Counts() != want {
		t.Errorf("expected %+v, got %+v", want, u.Counts())
	}
}

func TestSameSeedIsSameImage(t *testing.T) {
	t.Parallel()
	var digests []string
	for range 2 {
		result, err := Pull(t.Context(), startUpstream(t, UpstreamOptions{}).Host()+"/"+demoImage, PullOptions{})
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, result.Digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("the images differ: %v", digests)
	}
}

func TestTokenIsForItsRepositoryOnly(t *testing.T) {
	t.Parallel()
	u := startUpstream(t, UpstreamOptions{Auth: AuthBearer, Username: "user", Password: "secret"})
	token := u.tokens.issue([]string{"repository:library/demo:pull"})
	for path, want := range map[string]int{
		"/v2/":                                  http.StatusOK,
		"/v2/library/demo/manifests/1.0":        http.StatusOK,
		"/v2/library/other/manifests/1.0":       http.StatusUnauthorized,
		"/v2/library/demo/../other/manifests/a": http.StatusUnauthorized,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.URL()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: expected %d, got %d", path, want, response.StatusCode)
		}
	}
}

func TestUpstreamIsAsSlowAsAsked(t *testing.T) {
	t.Parallel()
	u := startUpstream(t, UpstreamOptions{Latency: 20 * time.Millisecond, BytesPerSecond: 100_000})
	result, err := Pull(t.Context(), u.Host()+"/"+demoImage, PullOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if least := 200 * time.Millisecond; result.Duration < least {
		t.Errorf("20 kB at 100 kB/s cannot take %s", result.Duration)
	}
}

func TestSlowUpstreamGivesUpWithItsClient(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := &pace{bytesPerSecond: 1}
	if err := p.take(ctx, 1_000_000); err == nil {
		t.Error("waited for a client that is gone")
	}
}

// Not parallel: it looks at all goroutines of the process.
func TestNoGoroutineStays(t *testing.T) {
	before := goroutines()
	u, err := StartUpstream(UpstreamOptions{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	c, err := StartCache(t.Context(), CacheOptions{Config: plainConfig, Upstream: u})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	for range 100 { // a server's last goroutines end shortly after it
		if goroutines() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	var dump bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&dump, 2)
	t.Errorf("%d goroutines before, %d after:\n%s", before, goroutines(), dump.String())
}

// goroutines counts all but distribution's event broadcaster, which nobody can stop.
func goroutines() int {
	var dump bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&dump, 2)
	count := 0
	for stack := range strings.SplitSeq(dump.String(), "\n\n") {
		if !strings.Contains(stack, "go-events.(*Broadcaster)") {
			count++
		}
	}
	return count
}
