// Package version tells which version of this project a program is.
package version

import "runtime/debug"

// String is what the Go toolchain took from the repository when it built the program: the tag, or the date and the hash of
// the commit, with "+dirty" if the tree had changes.
func String() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
