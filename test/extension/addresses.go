package extension

import (
	"net"
	"strconv"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// loopback is where everything listens that would listen in a pod.
const loopback = "127.0.0.1"

// Addresses are where a component listens, each "<host>:<port>".
type Addresses struct {
	Webhook, Health, Metrics string
}

// FreeAddresses returns addresses of the loopback interface on which nobody listens, or why there are none.
func FreeAddresses() (Addresses, error) {
	ports, err := cluster.FreePorts(3)
	if err != nil {
		return Addresses{}, err
	}
	at := func(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
	return Addresses{Webhook: at(ports[0]), Health: at(ports[1]), Metrics: at(ports[2])}, nil
}

// Args are the arguments that let a component of gardener's library listen there, and register its webhooks there, with their
// certificate in a folder of the test's.
func (a Addresses) Args(certDir string) []string {
	host, port, _ := net.SplitHostPort(a.Webhook) // it was joined above
	return []string{
		"--webhook-config-cert-dir=" + certDir,
		"--webhook-config-url=" + a.Webhook,
		"--webhook-config-server-host=" + host,
		"--webhook-config-server-port=" + port,
		"--health-bind-address=" + a.Health,
		"--metrics-bind-address=" + a.Metrics,
	}
}
