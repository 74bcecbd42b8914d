package keeper

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/store"
)

// Options are the settings of a Keeper. Except for Root, the zero value of each is a good default.
type Options struct {
	// Root is the root directory of distribution's filesystem driver.
	Root string
	// TTL is how long content stays after it was fetched; 0 is for ever. proxy.ttl of the configuration, where absent means
	// 168 h and what is below 0 means 0.
	TTL time.Duration
	// High is the part of the volume that may be in use before the blobs that were not used for longest are removed, and
	// Low the part that is in use afterwards. Whoever uses the volume, it counts. Default: 0.9 and 0.8.
	High, Low float64
	// Reserve is how many bytes are free at least, whatever High says; at most half of the volume. Default: 1 GiB or 5 % of
	// the volume, whatever is less.
	Reserve int64
	// Registerer takes the metrics. Default: nobody does.
	Registerer prometheus.Registerer
}

// rhythm is how often things are done. Tests have another one.
type rhythm struct {
	check time.Duration // whether there is room, and whether something has expired
	retry time.Duration // after nothing could be removed
	touch time.Duration // how exact the last use of a blob is on disk
	note  time.Duration // writing last uses and the schedule
	pass  time.Duration // a walk that looks for leaks
	grace time.Duration // how long something may look like a leak because somebody is at it
	// abandoned is how long nobody has written to an upload that is none of this process before it is removed.
	abandoned time.Duration
}

var usualRhythm = rhythm{
	check:     2 * time.Second,
	retry:     30 * time.Second,
	touch:     time.Minute,
	note:      30 * time.Second,
	pass:      time.Hour,
	grace:     10 * time.Minute,
	abandoned: time.Hour,
}

// noteShare is the share of the time that writing last uses and the schedule may take: one of so many parts. Those of a
// hundred thousand blobs are 27 MB.
const noteShare = 20

// closeTimeout is how long Close waits.
const closeTimeout = 5 * time.Second

// Keeper is the store.Keeper of a store on a local file system.
type Keeper struct {
	options Options
	rhythm  rhythm
	limits  limits
	layout  layout
	index   *index
	metrics *metrics
	log     store.Complaints
	now     func() time.Time
	statfs  func(root string) (volume, error)

	driver  store.Evictor
	started time.Time
	ready   atomic.Bool   // the first walk has ended
	noSpace atomic.Bool   // a write failed for want of room
	forced  time.Time     // when room was last made although there seemed to be enough
	again   time.Time     // when room may be made again after nothing could be removed
	wake    chan struct{} // something has happened that a check is for
	mu      sync.Mutex
	cancel  context.CancelFunc
	done    chan struct{} // closed when the work has ended; nil before Start
}

var _ store.Keeper = (*Keeper)(nil)

// New makes a keeper, which does nothing but listen before Start.
func New(options Options) *Keeper {
	if options.High <= 0 || options.High > 1 {
		options.High = 0.9
	}
	if options.Low <= 0 || options.Low > options.High {
		options.Low = max(options.High-0.1, options.High/2)
	}
	options.TTL = max(options.TTL, 0)
	k := &Keeper{
		options: options,
		rhythm:  usualRhythm,
		limits:  limits{high: options.High, low: options.Low, reserve: options.Reserve},
		layout:  newLayout(options.Root),
		index:   newIndex(),
		now:     time.Now,
		statfs:  statfs,
		wake:    make(chan struct{}, 1),
	}
	k.metrics = newMetrics(options.Registerer, k.index)
	return k
}

// Start implements store.Keeper.
func (k *Keeper) Start(ctx context.Context, driver store.Evictor) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done != nil {
		return
	}
	ctx, k.cancel = context.WithCancel(ctx)
	k.driver, k.started, k.done = driver, k.now(), make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() { k.passes(ctx) })
	work.Go(func() { k.checks(ctx) })
	work.Go(func() { k.notes(ctx) })
	go func() {
		work.Wait()
		k.note()
		close(k.done)
	}()
}

// Close implements store.Keeper. It ends the work and waits for what is being done, at most for a few seconds, since the
// disk may hang.
func (k *Keeper) Close() error {
	k.mu.Lock()
	cancel, done := k.cancel, k.done
	k.mu.Unlock()
	if done == nil {
		return nil
	}
	cancel()
	select {
	case <-done:
		return nil
	case <-time.After(closeTimeout):
		return errors.New("closing the keeper: the disk does not answer")
	}
}

// checks looks after room and expiry until ctx ends.
func (k *Keeper) checks(ctx context.Context) {
	ticker := time.NewTicker(k.rhythm.check)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-k.wake:
		}
		k.check(ctx)
	}
}

// check does what is due. Nothing is removed before the first walk has ended: without its links a blob would not go whole.
func (k *Keeper) check(ctx context.Context) {
	if k.driver.Bypassed() {
		return
	}
	k.look()
	if !k.ready.Load() {
		return
	}
	k.dropBad(ctx)
	k.expire(ctx)
	k.makeRoom(ctx)
}

// notes writes what must survive a restart, until ctx ends.
func (k *Keeper) notes(ctx context.Context) {
	for ctx.Err() == nil {
		start := time.Now()
		k.note()
		select {
		case <-ctx.Done():
		case <-time.After(k.rhythm.note + noteShare*time.Since(start)):
		}
	}
}

// note writes last uses and the schedule. Before the first walk has ended the index does not know them all.
func (k *Keeper) note() {
	if k.ready.Load() && !k.driver.Bypassed() {
		k.touch()
		k.save()
	}
}

// nudge has a check done soon.
func (k *Keeper) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// layout is where things are on disk.
type layout struct {
	root, blobs, repositories, state string
}

func newLayout(root string) layout {
	registry := filepath.Join(root, "docker", "registry", "v2")
	return layout{
		root:         root,
		blobs:        filepath.Join(registry, "blobs"),
		repositories: filepath.Join(registry, "repositories"),
		state:        filepath.Join(root, stateFile),
	}
}

// path is where a location is on disk.
func (l layout) path(location store.Location) string {
	return filepath.Join(l.root, location.Path())
}
