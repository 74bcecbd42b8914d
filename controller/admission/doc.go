// Package admission validates the extensions registry-cache and registry-mirror of a Shoot in the garden cluster, with the
// rules of the functions: what passes here can be rendered.
//
// A Shoot is refused for what changes, never for what it has already: an unchanged configuration blocks no other update of
// the Shoot, not even when its Secret has gone or a rule has been added since. All faults of a change are reported at once.
package admission
