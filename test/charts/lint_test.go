package charts

import (
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
)

// TestLint: "helm lint --strict" has nothing to say, whatever the values.
func TestLint(t *testing.T) {
	eachCase(t, func(t *testing.T, c chartCase) {
		linter := lint.RunAll(c.path(t), c.values, namespaces[c.chart])
		for _, message := range linter.Messages {
			if message.Severity > support.InfoSev {
				t.Error(message)
			}
		}
	})
}
