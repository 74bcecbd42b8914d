#!/usr/bin/env bash
# Runs every fuzz target of the module, or of a folder, for a time, such as 30s: go test fuzzes one target at a time.
set -o errexit -o nounset -o pipefail

grep -rlE --include='*_test.go' '^func Fuzz' "${2:-.}" | while read -r file; do
  sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file" | while read -r target; do
    echo "fuzzing $target of $(dirname "$file") for $1 ..."
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 1s "./$(dirname "$file")" </dev/null
  done
done
