package registrycache

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// poll looks every so often until look says true or it has taken too long, of which neither is an error. The first error of look
// ends it, and so does the end of ctx. A look that has begun is not cut short by what is too long, so that there is at least one.
func poll(ctx context.Context, every, tooLong time.Duration, look func(context.Context) (bool, error)) (err error) {
	bounded, cancel := context.WithTimeout(ctx, tooLong)
	defer cancel()
	interrupted := wait.PollUntilContextCancel(bounded, every, true, func(context.Context) (done bool, _ error) {
		done, err = look(ctx)
		return done, err
	})
	if err == nil && interrupted != nil {
		err = ctx.Err()
	}
	return err
}
