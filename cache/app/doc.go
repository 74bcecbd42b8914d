// Package app is the program registry-cache: distribution's registry as a pull-through cache, with its store behind
// package store, its clients behind package front, and its credentials in files.
package app
