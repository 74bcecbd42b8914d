#!/bin/sh
# Withdraws caches from this node before they go: removes hosts.toml of the given upstreams, so that containerd, which
# reads the file at every pull, asks the upstream directly again. A guard that runs here, or starts with an old list, is
# left word not to use these caches for half an hour. Touches only files of ours; says what it did; safe to run again.
#
# Runs under bash, dash and busybox ash.
#
# usage: clean-containerd-registries.sh UPSTREAM...
# environment: CERTS_DIR, containerd's config_path (default /etc/containerd/certs.d)
#              STATE_DIR, where guard and word are (default /run/registry-cache)
set -u

certs_dir=${CERTS_DIR:-/etc/containerd/certs.d}
state_dir=${STATE_DIR:-/run/registry-cache}
failed=''

log() { echo "clean-containerd-registries: $*"; }

# trouble notes a failure; the other upstreams are withdrawn nevertheless.
trouble() {
  echo "clean-containerd-registries: $*" >&2
  failed=yes
}

# An upstream is a part of a path here: host[:port] and nothing else.
check_upstream() {
  case $1 in
    '' | .* | -* | *[!a-zA-Z0-9.:-]* | *..* | *: | *:*[!0-9]*)
      echo "clean-containerd-registries: upstream must be host[:port], got '$1'" >&2
      exit 1
      ;;
  esac
}

# is_ours has our marker, or is what the script of gardener-extension-registry-cache wrote: a server line, an empty line,
# and one host with exactly these capabilities.
is_ours() {
  [ -f "$1" ] || return 1
  sed -n 1p "$1" | grep -q '^# managed by registry-cache (configure-containerd-registries[^)]*), do not edit$' && return 0
  [ "$(grep -c '' "$1")" -eq 4 ] &&
    sed -n 1p "$1" | grep -q '^server = "[^"]*"$' &&
    [ -z "$(sed -n 2p "$1")" ] &&
    sed -n 3p "$1" | grep -q '^\[host\."[^"]*"\]$' &&
    [ "$(sed -n 4p "$1")" = '  capabilities = ["pull", "resolve"]' ]
}

# endpoints prints what the cache of an upstream is called here: in the guard's list and in the file.
endpoints() {
  sed -n "s/^$(echo "$1" | sed 's/\./\\./g') .* endpoint=\([^ ]*\)$/\1/p" "$state_dir"/state "$state_dir"/state.* 2>/dev/null
  if [ -f "$2" ] && is_ours "$2"; then
    sed -n 's/^\[host\."\(.*\)"\]$/\1/p' "$2"
  fi
}

# leave_word comes before the file is removed, or a guard would write that again.
leave_word() {
  word=$state_dir/withdrawn/$1
  now=$(date +%s)
  lines=$(endpoints "$1" "$2" | sort -u | sed "s/\$/ $now/")
  [ -n "$lines" ] || return 0
  if ! { mkdir -p "$state_dir/withdrawn" && echo "$lines" >"$word.new" && mv -f "$word.new" "$word"; }; then
    trouble "writing $word failed"
  fi
}

clean() {
  file=$certs_dir/$1/hosts.toml
  leave_word "$1" "$file"
  if [ ! -e "$file" ]; then
    log "$1: nothing to withdraw"
  elif ! is_ours "$file"; then
    log "$1: $file is not ours, left alone"
  elif rm -f "$file"; then
    log "$1: withdrawn"
  else
    trouble "removing $file failed"
  fi
}

# sweep removes what hosts.toml needed, and an empty directory, which would hide containerd's _default.
sweep() {
  dir=$certs_dir/$1
  [ ! -e "$dir/hosts.toml" ] && [ -d "$dir" ] || return 0
  rm -f "$dir"/registry-cache-ca-*.pem "$dir"/.*.new || trouble "removing $dir/registry-cache-ca-*.pem failed"
  rmdir "$dir" 2>/dev/null || log "$1: $dir has other files, kept"
}

if [ $# -eq 0 ]; then
  echo "clean-containerd-registries: at least one upstream must be given" >&2
  exit 1
fi
for upstream in "$@"; do check_upstream "$upstream"; done
for upstream in "$@"; do clean "$upstream"; done
# A pull that read a file just before it went may still open the CA certificate that it names.
for copy in "$certs_dir"/*/registry-cache-ca-*.pem; do
  if [ -e "$copy" ]; then
    sleep 1
    break
  fi
done
for upstream in "$@"; do sweep "$upstream"; done
[ -z "$failed" ]
