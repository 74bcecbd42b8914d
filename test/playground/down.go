package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// stopLimit is how long a playground may take to stop.
const stopLimit = time.Minute

// down stops a playground and waits until nothing of it is left. It is no error that none runs.
func down(ctx context.Context, p playground) error {
	pid, err := p.process()
	if err != nil {
		return err
	}
	folder, err := p.folder()
	if err != nil {
		return err
	}
	if pid == 0 {
		fmt.Printf("playground %s does not run\n", p.name)
		return errors.Join(cluster.Sweep(), os.RemoveAll(folder)) // it may have been killed
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping playground %s: %w", p.name, err)
	}
	limit := time.Now().Add(stopLimit)
	for {
		if pid, err := p.process(); err != nil || pid == 0 {
			break
		}
		if time.Now().After(limit) || ctx.Err() != nil {
			return fmt.Errorf("stopping playground %s: process %d has not ended; see %s", p.name, pid, folder)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if complaint := readAll(folder + "/complaint"); complaint != "" {
		return fmt.Errorf("stopping playground %s: %s", p.name, complaint)
	}
	fmt.Printf("playground %s is gone\n", p.name)
	return os.RemoveAll(folder)
}
