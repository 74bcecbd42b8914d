package charts

import (
	"slices"
	"testing"
)

// TestContainerArgs: the arguments of a chart's program can be had, and a chart without a program has none.
func TestContainerArgs(t *testing.T) {
	eachCase(t, func(t *testing.T, c chartCase) {
		args, err := ContainerArgs(c.render(t))
		if c.chart == "admission/application" {
			if err == nil {
				t.Errorf("got %v from a chart without Deployment", args)
			}
			return
		}
		if err != nil || !slices.Contains(args, "--webhook-config-namespace="+namespaces[c.chart]) {
			t.Errorf("got %v, %v", args, err)
		}
	})
}
