package livecluster

import (
	"bytes"
	"context"
	"fmt"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/kubernetes"
)

// debugPort is that of a cache's own metrics.
const debugPort = "5001"

// Families are metrics by their names.
type Families map[string]*dto.MetricFamily

// Metrics reads what a cache says of itself, through the API server. It fails while the pod does not run.
func (c *Cluster) Metrics(ctx context.Context, namespace, pod string) (Families, error) {
	return ReadMetrics(ctx, c.Clientset, namespace, pod)
}

// ReadMetrics is Metrics for a cluster that was started otherwise.
func ReadMetrics(ctx context.Context, clients kubernetes.Interface, namespace, pod string) (Families, error) {
	text, err := clients.CoreV1().Pods(namespace).ProxyGet("http", pod, debugPort, "metrics", nil).DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics of %s: %w", pod, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(text))
}

// Sum adds up the gauges and counters of a metric that have all the labels, which are pairs of a name and a value.
func (f Families) Sum(name string, labels ...string) (sum float64) {
	for _, metric := range f[name].GetMetric() {
		matching := 0
		for i := 0; i+1 < len(labels); i += 2 {
			for _, label := range metric.GetLabel() {
				if label.GetName() == labels[i] && label.GetValue() == labels[i+1] {
					matching += 2
				}
			}
		}
		if matching == len(labels) {
			sum += metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return sum
}
