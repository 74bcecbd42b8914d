package keeper

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	// blockSize is what files take up a multiple of.
	blockSize = 4096
	// inodesOfBlob is how many inodes a blob with one link gives back: two files in two folders.
	inodesOfBlob = 4
	// maxFailures is how many removals may fail one after the other before one had better wait: the volume is read-only.
	maxFailures = 16
	// forceEvery is how often room is made for a write that failed although there seems to be enough.
	forceEvery = time.Minute
)

// look measures the volume for the metrics.
func (k *Keeper) look() (volume, bool) {
	v, err := k.statfs(k.options.Root)
	if err != nil {
		k.log.Warn("measuring the volume", err)
		return v, false
	}
	least, _ := k.limits.free(v.capacity)
	k.metrics.used.Set(float64(v.capacity - v.free))
	k.metrics.free.Set(float64(v.free))
	k.metrics.reserved.Set(float64(least))
	return v, true
}

// makeRoom removes the blobs that were not used for longest when there is too little room.
func (k *Keeper) makeRoom(ctx context.Context) {
	failed := k.noSpace.Swap(false)
	if !failed && k.now().Before(k.again) {
		return
	}
	before, ok := k.look()
	if !ok {
		return
	}
	n := k.limits.need(before, failed)
	if failed && n.none() {
		n = k.force(before)
	}
	if n.none() {
		return
	}
	count, bytes := k.evict(ctx, n)
	if count == 0 {
		// What fills the volume is not ours, or is in use, or cannot be removed.
		k.again = k.now().Add(k.rhythm.retry)
		k.log.Warn("nothing in the store can be removed to make room", nil)
		return
	}
	k.again = time.Time{}
	k.look()
	k.log.Info("removed what was not used for longest to make room", logrus.Fields{"blobs": count, "bytes": bytes})
}

// force is for a write that failed although there seems to be room: a quota, or a blob larger than what is free, which has
// given its space back by now. What is stored shrinks by what is between the watermarks, once in a while.
func (k *Keeper) force(v volume) need {
	if k.now().Sub(k.forced) < forceEvery {
		return need{}
	}
	k.forced = k.now()
	_, stored := k.index.sum()
	return need{bytes: part(min(v.capacity, stored), k.limits.high-k.limits.low)}
}

// evict removes blobs until what is needed is there. What is being served or written stays, and what was used since it was
// its turn.
func (k *Keeper) evict(ctx context.Context, n need) (count int, bytes int64) {
	failures := 0
	for _, c := range k.index.leastRecent() {
		if n.none() || failures == maxFailures || ctx.Err() != nil || k.driver.Bypassed() {
			break
		}
		if !k.index.still(c) {
			continue
		}
		gone, err := k.drop(c.key, bySpace)
		if err != nil {
			failures++
		}
		if !gone {
			continue
		}
		failures = 0
		count++
		bytes += c.size
		n.bytes -= (c.size + blockSize - 1) / blockSize * blockSize
		n.inodes -= inodesOfBlob
	}
	return count, bytes
}

// dropBad removes what is left of blobs that the driver has dropped.
func (k *Keeper) dropBad(ctx context.Context) {
	for _, key := range k.index.condemned() {
		if ctx.Err() != nil {
			return
		}
		_, _ = k.drop(key, byBad) // tried again at the next check
	}
}
