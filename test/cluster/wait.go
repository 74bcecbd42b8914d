package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
)

// interval is how often a wait looks again.
const interval = 100 * time.Millisecond

// until calls done every interval until it says true or the context ends. The error that done returned last, which does not
// end the wait, is part of the wait's.
func until(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		ok, err := done(ctx)
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return fmt.Errorf("waiting until %s: %w (%w)", what, err, ctx.Err())
			}
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		case <-ticker.C:
		}
	}
}

// waitHTTP waits until a process answers 200 at an address. It fails at once, with what the process printed last, if that
// has ended.
func waitHTTP(ctx context.Context, process *Process, config *rest.Config, address string) error {
	if config == nil {
		config = &rest.Config{}
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return fmt.Errorf("making a client for %s: %w", process.name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-process.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	err = until(ctx, process.name+" is ready", func(ctx context.Context) (bool, error) { return answers(ctx, client, address) })
	if err != nil {
		return fmt.Errorf("%w; it printed last: %s", err, tail(process.Logs()))
	}
	return nil
}

func answers(ctx context.Context, client *http.Client, address string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return false, err
	}
	response, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close() //nolint:errcheck // nothing of it is read
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("it answered %s", response.Status)
	}
	return true, nil
}

// tail returns the end of a log.
func tail(log string) string {
	return log[max(0, len(log)-2000):]
}
