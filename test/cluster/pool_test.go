//go:build integration

package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestPool shows that a cluster is lent to one at a time, used again when it is clean, and replaced when it is not.
func TestPool(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	pool := cluster.NewPool(1, cluster.Options{WithoutResourceManager: true})
	defer func() { succeed(t, "stopping the pool", pool.Stop()) }()
	first, giveBack, err := pool.Get(ctx)
	succeed(t, "getting a cluster", err)

	soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, _, err := pool.Get(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("getting a second cluster from a pool of one: %v, want that it has to wait", err)
	}

	succeed(t, "giving it back clean", giveBack(true))
	again, giveBack, err := pool.Get(ctx)
	succeed(t, "getting a cluster again", err)
	if again != first {
		t.Error("a clean cluster was not used again")
	}
	succeed(t, "giving it back unclean", giveBack(false))
	if alive(first.Process(cluster.APIServer).PID()) {
		t.Error("an unclean cluster still runs")
	}
	other, _, err := pool.Get(ctx)
	succeed(t, "getting another cluster", err)
	if other == first {
		t.Error("an unclean cluster was lent again")
	}
}
