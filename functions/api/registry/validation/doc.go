// Package validation says what is wrong with a RegistryConfig, a change of one, or the Secret it refers to. The rules and
// messages are those of the existing Gardener extension (COMPAT 1.3), so that a landscape that moves over accepts and
// refuses what it did before; where this package is stricter, the comment of the rule says so.
//
// Everything works on the hub version v1alpha3 and reports all faults at once. The function and the admission share it.
package validation
