package keeper

import (
	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/store"
)

// Committed implements store.Observer. Content that is fetched anew expires anew.
func (k *Keeper) Committed(dgst digest.Digest, size int64) {
	if key, ok := keyOf(dgst); ok {
		k.index.committed(key, size, k.now(), k.options.TTL)
		k.nudge()
	}
}

// Linked implements store.Observer. distribution links what a client asks for, so it is a use as well.
func (k *Keeper) Linked(location store.Location) {
	if key, ok := keyOf(location.Digest); ok && location.IsLink() {
		k.index.linked(key, location, k.now())
	}
}

// Used implements store.Observer. It does not make content expire later.
func (k *Keeper) Used(dgst digest.Digest) {
	if key, ok := keyOf(dgst); ok {
		k.index.used(key, k.now())
	}
}

// Bad implements store.Observer.
func (k *Keeper) Bad(dgst digest.Digest, _ error) {
	if key, ok := keyOf(dgst); ok {
		k.index.condemn(key)
		k.nudge()
	}
}

// NoSpace implements store.Observer.
func (k *Keeper) NoSpace(error) {
	k.noSpace.Store(true)
	k.nudge()
}
