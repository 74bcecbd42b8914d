package keeper

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/registry/proxy/scheduler"
	"github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/distribution/reference"
	"github.com/google/go-cmp/cmp"
)

const day = 24 * time.Hour

// stock is an entry as distribution writes it: fetched says how long ago, expires in how much time.
func stock(repository, name string, manifest bool, expires time.Duration) string {
	kind := blobEntry
	if manifest {
		kind = manifestEntry
	}
	key := repository + "@" + dgstOf(name).String()
	return fmt.Sprintf(`"%s":{"Key":"%s","ExpiryData":"%s","EntryType":%d}`, key, key, today.Add(expires).Format(time.RFC3339Nano), kind)
}

// ours is an entry as the keeper writes it.
func ours(repository, name string, manifest bool, fetched, expires time.Duration) string {
	return strings.TrimSuffix(stock(repository, name, manifest, expires), "}") +
		fmt.Sprintf(`,"Fetched":"%s"}`, today.Add(fetched).Format(time.RFC3339Nano))
}

func TestContentExpires(t *testing.T) {
	content := append(image("x", "v1", "M", "L"), "layer y L")
	for name, test := range map[string]struct {
		ttl     time.Duration
		age     string // of the files
		state   string
		expires map[string]time.Duration // from today, of M and L; 0 is never
	}{
		"no schedule":            {ttl: day, expires: map[string]time.Duration{"M": day, "L": day}},
		"no schedule and no TTL": {ttl: 0, expires: map[string]time.Duration{"M": 0, "L": 0}},
		"an empty schedule":      {ttl: day, state: "{}", expires: map[string]time.Duration{"M": day, "L": day}},
		"null":                   {ttl: day, state: "null", expires: map[string]time.Duration{"M": day, "L": day}},
		"distribution's, of one repository": {ttl: 3 * day, age: "24h", state: "{" + stock("x", "L", false, 2*day) + "}",
			expires: map[string]time.Duration{"M": 3 * day, "L": 2 * day}},
		"distribution's, after the TTL was changed": {ttl: 30 * day, age: "24h", state: "{" + stock("x", "M", true, 2*day) + "," + stock("y", "L", false, 2*day) + "}",
			expires: map[string]time.Duration{"M": 29 * day, "L": 29 * day}},
		"ours": {ttl: 3 * day, state: "{" + ours("x", "M", true, -day, 2*day) + "," + ours("x", "L", false, -2*day, day) + "," + ours("y", "L", false, -day, 2*day) + "}",
			expires: map[string]time.Duration{"M": 2 * day, "L": 2 * day}},
		"ours, after the TTL was changed": {ttl: 2 * day, state: "{" + ours("x", "M", true, -day, 99*day) + "," + ours("x", "L", false, -3*day/2, 99*day) + "}",
			expires: map[string]time.Duration{"M": day, "L": day / 2}},
		"fetched in the future": {ttl: 2 * day, state: "{" + ours("x", "M", true, 9*day, 99*day) + "}",
			expires: map[string]time.Duration{"M": 2 * day, "L": 2 * day}},
		"what is not there, and what is nothing": {ttl: day, state: "{" + ours("x", "K", true, -2*day, day) + `,"a":{"Key":"a@sha256:0"},"b":{}}`,
			expires: map[string]time.Duration{"M": day, "L": day}},
		"a TTL of 0 keeps what is scheduled": {ttl: 0, state: "{" + ours("x", "M", true, -2*day, -day) + "}",
			expires: map[string]time.Duration{"M": -day, "L": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, content...)
			if test.age != "" {
				plant(t, root, aged(test.age, append([]string{}, content...))...)
			}
			if test.state != "" {
				must(t, os.WriteFile(filepath.Join(root, stateFile), []byte(test.state), 0o644))
			}
			k, d := newKeeper(t, root, Options{TTL: test.ttl}, 1<<30)
			must(t, k.inspect(t.Context()))
			got := map[string]time.Duration{}
			for name := range test.expires {
				got[name] = 0
				if e := k.index.blobs[keyOfName(name)].expires; e != 0 {
					got[name] = time.Unix(int64(e), 0).Sub(today)
				}
			}
			if diff := cmp.Diff(test.expires, got); diff != "" {
				t.Errorf("expires in (-want +got):\n%s", diff)
			}
			if _, err := os.Stat(k.layout.state + invalidSuffix); err == nil {
				t.Error("the schedule was set aside")
			}
			k.check(t.Context())
			k.note()
			if len(d.evicted) > 0 {
				t.Errorf("what has not expired, or cannot, went: %v", d.evicted)
			}
		})
	}
}

func TestExpiredContentGoes(t *testing.T) {
	root := t.TempDir()
	plant(t, root, append(image("x", "v1", "M", "L"), "layer y L")...)
	k, d := newKeeper(t, root, Options{TTL: day}, 1<<30)
	must(t, k.inspect(t.Context()))
	at := func(after time.Duration) {
		t.Helper()
		k.now = func() time.Time { return today.Add(after) }
	}
	at(day - time.Second)
	k.Used(dgstOf("M")) // is no fetch
	k.Committed(dgstOf("L"), 4096)
	k.check(t.Context())
	k.note()
	wantTree(t, root, append(image("x", "v1", "M", "L"), "layer y L", "file "+stateFile))
	at(day)
	d.busy = map[dgst]bool{dgstOf("M"): true}
	k.check(t.Context())
	k.note()
	wantTree(t, root, append(image("x", "v1", "M", "L"), "layer y L", "file "+stateFile))
	d.busy = nil
	k.check(t.Context())
	k.note()
	wantTree(t, root, []string{"blob L 4096", "layer x L", "layer y L", "file " + stateFile})
	at(2*day - time.Second)
	k.check(t.Context())
	k.note()
	wantTree(t, root, []string{"empty docker/registry/v2/blobs", "empty docker/registry/v2/repositories", "file " + stateFile})
}

func TestInvalidStateIsSetAside(t *testing.T) {
	for name, state := range map[string]string{
		"empty":                "",
		"cut short":            "{" + stock("x", "L", false, day),
		"a list":               "[]",
		"zeros":                "\x00\x00\x00\x00",
		"a wrong type":         `{"a":{"Key":7}}`,
		"a wrong date":         `{"a":{"Key":"a","ExpiryData":"tomorrow"}}`,
		"something follows it": "{}}",
		"a folder":             "folder",
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, image("x", "v1", "M", "L")...)
			file := filepath.Join(root, stateFile)
			must(t, os.WriteFile(file+invalidSuffix, []byte("an earlier one"), 0o644))
			if state == "folder" {
				must(t, os.Mkdir(file, 0o755))
			} else {
				must(t, os.WriteFile(file, []byte(state), 0o644))
			}
			k, _ := newKeeper(t, root, Options{TTL: day}, 1<<30)
			must(t, k.inspect(t.Context()))
			if content, err := os.ReadFile(file + invalidSuffix); state != "folder" && string(content) != state {
				t.Errorf("what was set aside is %q: %v", content, err)
			}
			k.check(t.Context())
			k.note()
			var rebuilt map[string]entry
			content, err := os.ReadFile(file)
			must(t, err)
			must(t, json.Unmarshal(content, &rebuilt))
			want := map[string]entry{}
			for _, e := range []entry{
				{Key: "x@" + dgstOf("M").String(), EntryType: manifestEntry}, {Key: "x@" + dgstOf("L").String(), EntryType: blobEntry},
			} {
				e.Expiry, e.Fetched = today.Add(day), today
				want[e.Key] = e
			}
			if diff := cmp.Diff(want, rebuilt); diff != "" {
				t.Errorf("the schedule is (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStockTakesOver lets distribution's own scheduler read what the keeper writes, as the stock image does.
func TestStockTakesOver(t *testing.T) {
	root := t.TempDir()
	plant(t, root, append(image("x", "v1", "M", "L"), "layer a/b L")...)
	k, _ := newKeeper(t, root, Options{TTL: time.Hour}, 1<<30)
	k.now = func() time.Time { return time.Now().Add(-2 * time.Hour) } // so that it expires at once
	must(t, k.inspect(t.Context()))
	k.save()

	var mu sync.Mutex
	got := map[string]string{}
	fired := make(chan struct{}, 9)
	s := scheduler.New(context.Background(), filesystem.New(filesystem.DriverParameters{RootDirectory: root, MaxThreads: 100}), "/"+stateFile)
	note := func(kind string) func(reference.Reference) error {
		return func(r reference.Reference) error {
			mu.Lock()
			defer mu.Unlock()
			got[r.String()] = kind
			fired <- struct{}{}
			return nil
		}
	}
	s.OnBlobExpire(note("blob"))
	s.OnManifestExpire(note("manifest"))
	must(t, s.Start())
	for range 3 {
		select {
		case <-fired:
		case <-time.After(10 * time.Second):
			t.Fatal("an entry did not expire")
		}
	}
	must(t, s.Stop())
	mu.Lock()
	defer mu.Unlock()
	want := map[string]string{
		"x@" + dgstOf("M").String(): "manifest", "x@" + dgstOf("L").String(): "blob", "a/b@" + dgstOf("L").String(): "blob",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what distribution expires (-want +got):\n%s", diff)
	}
}

// TestScheduleSurvivesAFailedSave: the old file stays, and nothing beside it, when the new one breaks off in the middle.
func TestScheduleSurvivesAFailedSave(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, stateFile)
	must(t, os.WriteFile(file, []byte("{}"), 0o644))
	unwritable := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) // JSON has no such year
	err := writeState(file, []entry{{Key: "x"}, {Key: "y", Expiry: unwritable}})
	if err == nil || !strings.HasPrefix(err.Error(), "writing scheduler-state.json: ") {
		t.Errorf("it says %v", err)
	}
	wantTree(t, root, []string{"file " + stateFile})
	if content, err := os.ReadFile(file); string(content) != "{}" {
		t.Errorf("the schedule is %q: %v", content, err)
	}
}

func TestTTLOfZeroWritesNothing(t *testing.T) {
	root := t.TempDir()
	plant(t, root, image("x", "v1", "M", "L")...)
	k, _ := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	k.Committed(dgstOf("L"), 4096)
	k.Linked(locationOf("layer x L"))
	k.check(t.Context())
	k.note()
	wantTree(t, root, image("x", "v1", "M", "L"))
}
