package registrycache

import (
	corev1 "k8s.io/api/core/v1"
)

// The reasons of events on the Extension.
const (
	// reasonConfiguration: the configuration works, but not as its author may think.
	reasonConfiguration = "ConfigurationWarning"
	// reasonCleaned: removed upstreams were taken off all nodes.
	reasonCleaned = "NodesCleaned"
	// reasonNotCleaned: some nodes still have the hosts.toml of a removed upstream, and their guard will withdraw it.
	reasonNotCleaned = "NodesNotCleaned"
	// reasonAddressLost: a Service could not get its address back and has another one.
	reasonAddressLost = "ServiceAddressLost"
	// reasonNotMonitored: the caches run, and nobody is told when they do not.
	reasonNotMonitored = "NotMonitored"
)

// inform tells of something that went as it should.
func (o *operation) inform(reason, action, note string, args ...any) {
	o.events.Eventf(o.ex, nil, corev1.EventTypeNormal, reason, action, note, args...)
}

// warn tells of something that a user or operator should look at.
func (o *operation) warn(reason, action, note string, args ...any) {
	o.events.Eventf(o.ex, nil, corev1.EventTypeWarning, reason, action, note, args...)
}
