package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRatioIsAboveOneWhereOursIsBetter(t *testing.T) {
	t.Parallel()
	f := &figures{}
	for round, stock := range []float64{100, 10, 100} {
		f.add(stockName, "hit", "MiB/s", true, stock)
		f.add(oursName, "hit", "MiB/s", true, stock*[]float64{2, 2, 100}[round])
		f.add(stockName, "hit", "ms", false, stock)
		f.add(oursName, "hit", "ms", false, stock*[]float64{2, 2, 100}[round])
	}
	for i, want := range []float64{2, 0.5} {
		if got := f.list[i].ratio(); got != want {
			t.Errorf("%s: want %v, got %v", f.list[i].unit, want, got)
		}
	}
	var out strings.Builder
	if err := f.print(&out); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "below the goal"); got != 1 {
		t.Errorf("want one line below the goal, got:\n%s", out.String())
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	var values []time.Duration
	for i := range 100 {
		values = append(values, time.Duration(100-i))
	}
	for part, want := range map[float64]time.Duration{0.5: 50, 0.99: 99, 1: 100, 0: 1} {
		if got := quantile(values, part); got != want {
			t.Errorf("%v: want %d, got %d", part, want, got)
		}
	}
}

func TestMemoryIsReadFromTheStatus(t *testing.T) {
	t.Parallel()
	got, err := statusLine([]byte("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n"), "VmRSS")
	if err != nil || got != mib {
		t.Errorf("want %d, got %d and %v", mib, got, err)
	}
	if _, err := statusLine([]byte("Name:\tx\n"), "VmRSS"); err == nil {
		t.Error("no error where there is no such line")
	}
}

func TestUpstreamServesWhatItsDigestsSay(t *testing.T) {
	t.Parallel()
	u, err := startUpstream()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.close() })
	blobs, err := u.newBlobs(2, mib)
	if err != nil {
		t.Fatal(err)
	}
	if blobs[0].digest == blobs[1].digest {
		t.Error("two blobs are one")
	}
	for path, want := range map[string]string{
		"blobs/" + blobs[0].digest.String(): blobs[0].digest.Encoded(),
		"blobs/" + blobs[1].digest.String(): blobs[1].digest.Encoded(),
		"manifests/" + tag:                  u.digest.Encoded(),
	} {
		if got := sumOf(t.Context(), t, u.url()+"/v2/"+repository+"/"+path); got != want {
			t.Errorf("%s: want %s, got %s", path, want, got)
		}
	}
}

func sumOf(ctx context.Context, t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, response.Body); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
