//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// verdict is a test that keeps what it failed for, to say it again below the logs that explain it: of a long output a reader, or a
// CI that shortens it, sees the end.
type verdict struct {
	*testing.T
	faults *[]string
}

// Error implements testing.TB.
func (v verdict) Error(args ...any) {
	v.Helper()
	v.T.Error(v.keep(fmt.Sprintln(args...)))
}

// Errorf implements testing.TB.
func (v verdict) Errorf(format string, args ...any) {
	v.Helper()
	v.T.Error(v.keep(fmt.Sprintf(format, args...)))
}

// Fatal implements testing.TB.
func (v verdict) Fatal(args ...any) {
	v.Helper()
	v.T.Fatal(v.keep(fmt.Sprintln(args...)))
}

// Fatalf implements testing.TB.
func (v verdict) Fatalf(format string, args ...any) {
	v.Helper()
	v.T.Fatal(v.keep(fmt.Sprintf(format, args...)))
}

func (v verdict) keep(fault string) string {
	fault = strings.TrimSuffix(fault, "\n")
	*v.faults = append(*v.faults, fault)
	return fault
}
