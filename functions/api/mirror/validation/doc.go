// Package validation says what is wrong with a MirrorConfig or a Secret it refers to. The rules and messages are those of
// the existing Gardener extension (COMPAT 1.12); the function and the admission share it.
package validation
