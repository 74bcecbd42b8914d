// Command coredns is CoreDNS with what the DNS of a cluster under test needs, and no more: its stock build has three times the
// size and a module graph to match.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/template"
)

// directives is what a server block of the Corefile may have, in the order in which a query meets the plugins. It is CoreDNS's
// own order but for template, which comes last: so it may answer all names that nothing else knows, and the hosts file and
// the cluster's names need no server blocks of their own. There is no forward, as no query may leave the cluster.
var directives = []string{
	"reload", "ready", "health", "errors", "log", "cache", "hosts", "kubernetes", "template", "loop",
}

func main() {
	dnsserver.Directives = directives
	coremain.Run()
}
