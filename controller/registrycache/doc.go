// Package registrycache is the controller of Extensions of type "registry-cache": it decides when the caches of a Shoot, and
// what the nodes know of them, come and go. What they look like is decided by functions/pipeline, which it runs in-process.
//
// Three ManagedResources hold what is deployed into the shoot: the Services first, since certificates and nodes need their
// addresses; then everything else of the caches; and, while upstreams are being removed, the cleaner. Every operation is a
// sequence of named steps, may stop at any line and be run again, and waits for less than the 150 s of its budget.
package registrycache
