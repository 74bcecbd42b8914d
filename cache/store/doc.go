// Package store puts the disk of a pull-through cache under control. Its Driver wraps a storage driver of distribution
// such that nothing the disk does reaches a client: what cannot be read is "not there" (so it comes from the upstream),
// what cannot be written is dropped without a trace, what hangs is left alone until it answers again, and what is no longer
// what its digest says is thrown away.
package store
