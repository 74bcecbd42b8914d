package keeper

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"time"

	"github.com/registry-cache/registry-cache/cache/store"
)

// restore takes up the schedule that distribution or an earlier keeper has left. It is called once, when the first walk has
// found the content.
func (k *Keeper) restore() {
	schedules, err := readState(k.layout.state)
	if errors.Is(err, errInvalidState) {
		k.log.Warn("the schedule is invalid and is set aside; content expires a TTL from now", err)
		if err := k.setAside(); err != nil {
			k.log.Warn("setting the invalid schedule aside", err)
		}
	} else if err != nil {
		k.log.Warn("the schedule cannot be read; content expires a TTL from now", err)
	}
	k.index.restore(schedules, k.now(), k.options.TTL)
}

// setAside renames an invalid state file, over one that was set aside before.
func (k *Keeper) setAside() error {
	aside := k.layout.state + invalidSuffix
	if err := os.RemoveAll(aside); err != nil { // a folder cannot be renamed over a file, nor a file over a folder
		return err
	}
	return os.Rename(k.layout.state, aside)
}

// expire removes what has expired. What is being served goes at one of the next checks.
func (k *Keeper) expire(ctx context.Context) {
	if k.options.TTL == 0 {
		return
	}
	for _, key := range k.index.expired(k.now()) {
		if ctx.Err() != nil {
			return
		}
		_, _ = k.drop(key, byTTL) // tried again at the next check
	}
}

// save writes the schedule if it has changed.
func (k *Keeper) save() {
	if !k.index.takeDirty() {
		return
	}
	if err := writeState(k.layout.state, k.index.entries()); err != nil {
		k.index.setDirty()
		k.log.Warn("saving the schedule", err)
	}
}

// restore gives content the schedule it had, according to the TTL as it is now. Content that distribution has scheduled was
// fetched when its file was last written: distribution does not touch it later. With a TTL of 0 schedules stay as they are,
// for a time when it is something else again, and content that is fetched meanwhile has none.
func (x *index) restore(schedules map[key]schedule, now time.Time, ttl time.Duration) {
	x.each(func(key key, b *blob) {
		s, ok := schedules[key]
		if !ok || b.fetched != 0 { // fetched anew in the meantime
			return
		}
		if s.fetched.IsZero() {
			s.fetched = time.Unix(int64(b.touched), 0)
		}
		if s.fetched.After(now) { // the clock was wrong
			s.fetched = now
		}
		if ttl > 0 {
			x.schedule(b, s.fetched, ttl)
			return
		}
		b.fetched, b.expires = seconds(s.fetched), seconds(s.expires)
	})
	x.heal(now, ttl)
}

// heal gives content without a schedule one: it was fetched while the TTL was 0, or the schedule was lost.
func (x *index) heal(now time.Time, ttl time.Duration) {
	if ttl == 0 {
		return
	}
	x.each(func(_ key, b *blob) {
		if b.fetched == 0 {
			x.schedule(b, now, ttl)
		}
	})
}

// expired returns what has expired.
func (x *index) expired(now time.Time) []key {
	x.mu.Lock()
	due := x.earliest <= now.Unix()
	if due {
		x.earliest = math.MaxInt64 // what is scheduled from here on makes it less again
	}
	x.mu.Unlock()
	if !due {
		return nil
	}
	var keys []key
	x.each(func(key key, b *blob) {
		if b.expires == 0 {
			return
		}
		if int64(b.expires) <= now.Unix() {
			keys = append(keys, key)
		}
		x.earliest = min(x.earliest, int64(b.expires))
	})
	return keys
}

func (x *index) takeDirty() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	dirty := x.dirty
	x.dirty = false
	return dirty
}

func (x *index) setDirty() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.dirty = true
}

// entries are what distribution's state file says: each blob in each repository, a manifest as a manifest.
func (x *index) entries() (entries []entry) {
	x.each(func(key key, b *blob) {
		if b.fetched != 0 {
			entries = x.appendEntries(entries, key, b)
		}
	})
	return entries
}

func (x *index) appendEntries(entries []entry, key key, b *blob) []entry {
	first := len(entries)
	for _, l := range b.links {
		kind := blobEntry
		switch store.Kind(l.kind) {
		case store.RevisionLink:
			kind = manifestEntry
		case store.LayerLink:
		default:
			continue
		}
		e := entry{
			Key:       x.names.text(l.repository) + "@" + key.digest().String(),
			Expiry:    time.Unix(int64(b.expires), 0).UTC(),
			EntryType: kind,
			Fetched:   time.Unix(int64(b.fetched), 0).UTC(),
		}
		same := func(other entry) bool { return other.Key == e.Key }
		if i := slices.IndexFunc(entries[first:], same); i >= 0 { // pulled as a layer and as a manifest
			entries[first+i].EntryType = manifestEntry
			continue
		}
		entries = append(entries, e)
	}
	return entries
}
