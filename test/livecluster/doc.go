// Package livecluster starts a real cluster for programs and tests that let caches live there for a while, and has what they
// need again and again: images to pull, programs that a user runs, what a node's files say, what a cache says of itself.
package livecluster
