package registrycache

import (
	"fmt"
	"strings"

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
	o.event(corev1.EventTypeNormal, reason, action, note, args...)
}

// warn tells of something that a user or operator should look at.
func (o *operation) warn(reason, action, note string, args ...any) {
	o.event(corev1.EventTypeWarning, reason, action, note, args...)
}

// maxNote is how long the text of an event may be; the API server refuses a longer one, and it would be lost.
const maxNote = 1024

func (o *operation) event(eventType, reason, action, note string, args ...any) {
	o.events.Eventf(o.ex, nil, eventType, reason, action, "%s", shorten(fmt.Sprintf(note, args...)))
}

// shorten cuts a text to what an event bears.
func shorten(text string) string {
	const end = " ..."
	if len(text) <= maxNote {
		return text
	}
	return strings.ToValidUTF8(text[:maxNote-len(end)], "") + end
}

// isNews says whether this configuration has not been reconciled before. What does not change with a reconciliation is told
// once, and not every day again.
func (o *operation) isNews() bool { return o.ex.Status.ObservedGeneration != o.ex.Generation }
