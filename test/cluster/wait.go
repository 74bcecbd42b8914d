package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"
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

// WaitHTTP waits until the process answers 200 at a URL, or the context ends. It fails at once, with what the process printed
// last, if that has ended.
func (p *Process) WaitHTTP(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := until(ctx, p.name+" is ready", func(ctx context.Context) (bool, error) {
		err := Answers(ctx, client, url)
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("%w; it printed last: %s", err, tail(p.Logs()))
	}
	return nil
}

// Answers asks once, and returns an error unless the answer from a URL is 200.
func Answers(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // nothing of it is read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	return nil
}

// tail returns the end of a log.
func tail(log string) string {
	return log[max(0, len(log)-2000):]
}
