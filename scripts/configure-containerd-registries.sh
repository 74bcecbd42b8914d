#!/bin/sh
# Guards containerd's hosts.toml files on this node: a file names a cache exactly while the cache answers this node.
# containerd reads the file at every pull and would wait 30 seconds for each request to a cache that is gone.
#
# Runs under bash, dash and busybox ash, with curl, or with wget where it can do what is needed, or with registry-cache-probe,
# which the node helper image has instead.
# shellcheck disable=SC2154 # get assigns variables by their names
set -u

usage() {
  cat <<'END'
usage: configure-containerd-registries.sh [OPTION...] UPSTREAM,ENDPOINT,SERVER...

Each argument is a registry: the upstream as in image names (docker.io), the URL of its cache (http://10.4.0.10:5000), and
the URL of the upstream itself (https://registry-1.docker.io). An endpoint may have a host name; containerd is given the
address that answered.

  --interval SECONDS         between probes of a cache that answers, at least 8 (default 8)
  --connect-timeout SECONDS  for the connection of a probe (default 1)
  --timeout SECONDS          for a whole probe (default 2)
  --dial-timeout DURATION    what containerd 2.1 and later waits for a cache (default 1s)
  --ca-file FILE             CA certificates of caches with https; of a folder, all its *.crt and *.pem
  --certs-dir DIR            containerd's config_path (default /etc/containerd/certs.d)
  --state-dir DIR            where the state and the cleaner's word are (default /run/registry-cache)
  --mirrors-dir DIR          mirrors, which need no probes: each DIR/UPSTREAM/hosts.toml is written as it is, and
                             DIR/UPSTREAM/registry-cache-ca-*.pem beside it
  --owner NAME               of several guards on one node, which one this is: files of others are left alone
  --containerd-config FILE   containerd's config.toml; reports a config_path that is not the certs-dir
  --once                     probe once, write what follows from it, and exit
  -h, --help                 print this

Each option can be given in the environment instead: INTERVAL, CONNECT_TIMEOUT, TIMEOUT, DIAL_TIMEOUT, CA_FILE, CERTS_DIR,
STATE_DIR, MIRRORS_DIR, OWNER, CONTAINERD_CONFIG. Without arguments the registries are those in REGISTRIES.
END
}

readonly capabilities='  capabilities = ["pull", "resolve"]'
readonly withdrawn_minutes=30 # how long the cleaner's word counts
nl='
'

log() { echo "configure-containerd-registries: $*"; }
fail() {
  echo "configure-containerd-registries: $*" >&2
  exit 1
}

# ---- arguments ------------------------------------------------------------------------------------------------------

interval=${INTERVAL:-8} connect_timeout=${CONNECT_TIMEOUT:-1} timeout=${TIMEOUT:-2} dial_timeout=${DIAL_TIMEOUT:-1s}
ca_file=${CA_FILE:-} certs_dir=${CERTS_DIR:-/etc/containerd/certs.d} state_dir=${STATE_DIR:-/run/registry-cache}
containerd_config=${CONTAINERD_CONFIG:-} mirrors_dir=${MIRRORS_DIR:-} owner=${OWNER:-} once=''

# A value goes into TOML, paths, a systemd unit and this shell's variables, so only characters that mean nothing in any of
# them get in.
check_number() {
  case $2 in
    '' | *[!0-9]* | 0?* | ???????*) fail "$1 must be a number of seconds, got '$2'" ;;
  esac
}

check_path() {
  case $2 in
    *[!a-zA-Z0-9._/-]* | *..*) fail "$1 must be an absolute path of letters, digits and ._/-, got '$2'" ;;
    /*) ;;
    *) fail "$1 must be an absolute path of letters, digits and ._/-, got '$2'" ;;
  esac
}

check_duration() {
  _digits=${2%s}
  case ${_digits%m} in
    '' | *[!0-9]* | "$2") fail "$1 must be a duration such as 500ms, 1s or 1m, got '$2'" ;;
  esac
}

check_upstream() {
  case $1 in
    '' | .* | -* | *[!a-zA-Z0-9.:-]* | *..* | *: | *:*[!0-9]*) fail "upstream must be host[:port], got '$1'" ;;
  esac
}

check_url() {
  case $2 in
    http://?* | https://?*) ;;
    *) fail "$1 must begin with http:// or https://, got '$2'" ;;
  esac
  case ${2#*://} in
    /* | *[!a-zA-Z0-9._:/\[\]-]*) fail "$1 must be scheme://host[:port] without special characters, got '$2'" ;;
  esac
}

# take_registry stores one UPSTREAM,ENDPOINT,SERVER under the next number.
take_registry() {
  case $1 in
    *,*,*,*) fail "registry must be UPSTREAM,ENDPOINT,SERVER, got '$1'" ;;
    *,*,*) ;;
    *) fail "registry must be UPSTREAM,ENDPOINT,SERVER, got '$1'" ;;
  esac
  upstream=${1%%,*} server=${1##*,} endpoint=${1#*,}
  endpoint=${endpoint%%,*}
  check_upstream "$upstream"
  check_url "endpoint of $upstream" "${endpoint%/}"
  case ${endpoint#*://} in
    */?*) fail "endpoint of $upstream must not have a path, got '$endpoint'" ;;
  esac
  check_url "server of $upstream" "$server"
  add cache
}

# take_mirror stores what stands in a folder of the mirrors-dir.
take_mirror() {
  upstream=${1##*/} source=$1
  check_upstream "$upstream"
  read_file "$source/hosts.toml" || fail "mirror of $upstream must have a file $source/hosts.toml"
  server=$(echo "$content" | sed -n 's/^server = "\(.*\)"$/\1/p')
  endpoint=$(echo "$content" | sed -n 's/^\[host\."\(.*\)"\]$/\1/p' | head -n 1)
  check_url "server of $upstream in $source/hosts.toml" "$server"
  add mirror
  set_of "$count" up yes source "$source"
}

# add KIND gives the registry in upstream, endpoint and server the next number.
add() {
  case " $upstreams " in
    *" $upstream "*) fail "upstream must be given only once, got '$upstream' twice" ;;
  esac
  count=$((count + 1))
  all="$all $count" upstreams="$upstreams $upstream"
  set_of "$count" kind "$1" upstream "$upstream" endpoint "${endpoint%/}" server "${server%/}" source ''
  # up: whether the cache answers, '' until that is known; failures: how often in a row it did not; address: the URL that
  # containerd is given; state: what was done about it, since when and how often withdrawn; word: the cleaner's word
  # as it was read last, and whether it counts; said: what was logged of a trouble, so that it is logged once; stale: whether
  # copies of the CA file may lie about that no file names.
  set_of "$count" up '' failures 0 address "${endpoint%/}" state '' since '' withdrawals 0 word '' word_counts no said '' stale 1 copied ''
}

# set_of NUMBER NAME VALUE... and get NUMBER NAME... are this script's arrays. Names are ours and values checked, and only
# expanded, so that eval sees neither.
set_of() {
  _n=$1
  shift
  while [ $# -gt 1 ]; do
    eval "r${_n}_$1=\$2"
    shift 2
  done
}

get() {
  _n=$1
  shift
  for _name in "$@"; do eval "$_name=\$r${_n}_$_name"; done
}

parse_arguments() {
  count=0 all='' upstreams=''
  while [ $# -gt 0 ]; do
    case $1 in
      --interval | --connect-timeout | --timeout | --dial-timeout | --ca-file | --certs-dir | --state-dir | --containerd-config | --mirrors-dir | --owner)
        [ $# -gt 1 ] || fail "$1 needs a value"
        _option=$(echo "${1#--}" | tr - _)
        eval "$_option=\$2"
        shift
        ;;
      --once) once=yes ;;
      -h | --help)
        usage
        exit 0
        ;;
      -*) fail "unknown option '$1', see --help" ;;
      *) take_registry "$1" ;;
    esac
    shift
  done
  # shellcheck disable=SC2086 # registries are separated by blanks
  if [ "$count" -eq 0 ]; then
    set -f
    for _registry in ${REGISTRIES:-}; do take_registry "$_registry"; done
    set +f
  fi
}

take_mirrors() {
  [ -n "$mirrors_dir" ] || return 0
  for _mirror in "$mirrors_dir"/*; do
    [ ! -d "$_mirror" ] || take_mirror "$_mirror"
  done
}

check_options() {
  check_number interval "$interval"
  check_number connect-timeout "$connect_timeout"
  check_number timeout "$timeout"
  [ "$interval" -ge 8 ] || fail "interval must be at least 8, got '$interval'"
  [ "$connect_timeout" -ge 1 ] || fail "connect-timeout must be at least 1, got '$connect_timeout'"
  [ "$timeout" -ge 1 ] || fail "timeout must be at least 1, got '$timeout'"
  check_duration dial-timeout "$dial_timeout"
  certs_dir=${certs_dir%/} state_dir=${state_dir%/}
  check_path certs-dir "$certs_dir"
  check_path state-dir "$state_dir"
  [ -z "$ca_file" ] || check_path ca-file "$ca_file"
  [ -z "$containerd_config" ] || check_path containerd-config "$containerd_config"
  [ -z "$mirrors_dir" ] || check_path mirrors-dir "$mirrors_dir"
  case $owner in
    *[!a-zA-Z0-9._-]*) fail "owner must be a name of letters, digits and ._-, got '$owner'" ;;
  esac
}

# ---- probes ---------------------------------------------------------------------------------------------------------

# choose_prober finds out what this node has. curl is called with -q and wget with --no-config, so that no file of root's
# changes what a probe does.
choose_prober() {
  prober=none
  if [ "$probes" = no ]; then
    return 0
  elif command -v registry-cache-probe >/dev/null 2>&1; then
    prober=own
  elif curl -q --version >/dev/null 2>&1; then
    prober=curl
    # -Z, all probes in one process, came with curl 7.66
    if curl -q -Z --version >/dev/null 2>&1; then prober=curl_parallel; fi
  elif wget --version 2>/dev/null | grep -q 'GNU Wget'; then
    prober=gnu_wget
  elif command -v wget >/dev/null 2>&1; then
    prober=busybox_wget
  else
    fail "curl or wget must be installed: without either no cache can be probed"
  fi
  case $prober in
    *wget) command -v timeout >/dev/null 2>&1 || fail "wget needs timeout (of coreutils or busybox) beside it, or curl" ;;
  esac
}

# can_probe says whether the prober is able to verify the endpoint, and why not.
can_probe() {
  case $prober,$1 in
    busybox_wget,https://*)
      why='this wget does not verify certificates: https needs curl or GNU wget'
      return 1
      ;;
    gnu_wget,https://*)
      split "$1"
      if [ -n "$named" ]; then
        why='wget does not tell the address that answered: https with a host name needs curl'
        return 1
      fi
      ;;
  esac
  case $1 in
    https://*)
      if [ -n "$ca_file" ] && [ -z "$ca_hash" ]; then
        why="the CA file $ca_file cannot be read"
        return 1
      fi
      ;;
  esac
}

# probe NUMBER... asks each cache once, all at the same time, and prints "NUMBER ADDRESS" for each that sent a complete
# status line; what the status is does not matter, for containerd goes on to the next host at once.
probe() {
  case $prober in
    curl_parallel) probe_curl "$@" | answered ;;
    own) probe_own "$@" | answered ;;
    *)
      for _i in "$@"; do
        {
          # shellcheck disable=SC2030,SC2031 # for answered in this subshell only
          probed=$_i
          "probe_$prober" "$_i" | answered
        } &
      done
      wait
      ;;
  esac
}

# answered turns "CODE URL IP NUMBER" lines into those of probe. The number says which of the URLs it is; curl before 7.75 and
# wget have none, and then the URL must be as it was given, which curl's is if its address has the usual form.
answered() {
  while read -r _code _url _ip _number; do
    case $_code in
      000 | '') continue ;;
    esac
    _at=0
    # shellcheck disable=SC2031 # see probe
    for _i in $probed; do
      get "$_i" endpoint
      if [ -n "$_number" ]; then
        [ "$_number" != "$_at" ] || echo "$_i $_ip"
      elif [ "$_url" = "$endpoint/v2/" ]; then
        echo "$_i $_ip"
      fi
      _at=$((_at + 1))
    done
  done
}

probe_own() {
  _urls=$#
  for _i in "$@"; do
    get "$_i" endpoint
    set -- "$@" "$endpoint/v2/"
  done
  shift "$_urls"
  # shellcheck disable=SC2086 # $ca_option is no or two words
  registry-cache-probe $ca_option --connect-timeout "$connect_timeout" --max-time "$probe_timeout" "$@" 2>/dev/null
}

probe_curl() {
  _parallel=''
  [ "$prober" = curl ] || _parallel=-Z
  _urls=$#
  for _i in "$@"; do
    get "$_i" endpoint
    set -- "$@" -o /dev/null "$endpoint/v2/"
  done
  shift "$_urls"
  # shellcheck disable=SC2086 # $_parallel and $ca_option are no, one or two words
  curl -q -s -g $_parallel $ca_option --noproxy '*' --connect-timeout "$connect_timeout" --max-time "$probe_timeout" \
    -w '%{http_code} %{url_effective} %{remote_ip} %{urlnum}\n' "$@" 2>/dev/null
}

probe_gnu_wget() {
  target "$1" || return 0
  # shellcheck disable=SC2086 # $wget_ca_option is no or one word
  limited wget --no-config -q -O /dev/null --tries=1 --no-proxy --max-redirect=0 $wget_ca_option \
    --connect-timeout="$connect_timeout" --read-timeout="$probe_timeout" "$_target/v2/" 2>/dev/null
  # 0 is a success; 6 (401) and 8 are errors that the server answered with
  case $? in
    0 | 6 | 8) echo "200 $endpoint/v2/ $_ip" ;;
  esac
}

probe_busybox_wget() {
  target "$1" || return 0
  # Not with wget's own -T: that of busybox 1.35, in Debian 12, ends in a segmentation fault.
  _said=$(limited wget -q -O /dev/null -Y off "$_target/v2/" 2>&1)
  case $?,$_said in
    0,* | *'server returned error: HTTP/'*) echo "200 $endpoint/v2/ $_ip" ;;
  esac
}

# target NUMBER sets _target, the endpoint with an address for its name, and _ip, that address. curl tells the address that
# it asked; with wget we look it up before.
target() {
  get "$1" endpoint
  split "$endpoint"
  _ip='' _target=$endpoint
  [ -n "$named" ] || return 0
  _ip=$(limited getent hosts "$host" 2>/dev/null | sed -n '1s/[[:space:]].*//p')
  if [ -z "$_ip" ]; then
    _ip=$(limited nslookup "$host" 2>/dev/null | sed -n '/^Name:/,$s/^Address[ 0-9]*:[[:space:]]*\([^[:space:]]*\).*/\1/p' | head -n 1)
  fi
  [ -n "$_ip" ] || return 1
  with_address "$_ip"
  _target=$located
}

limited() { timeout "$probe_timeout" "$@"; }

# split URL sets scheme, host, port (with its colon, or nothing) and named, which is empty if the host is an address.
split() {
  scheme=${1%%://*} host=${1#*://} port='' named=''
  case $host in
    \[*\]:*) port=:${host##*:} host=${host%:*} ;;
    \[*) ;;
    *:*) port=:${host##*:} host=${host%:*} ;;
  esac
  case $host in
    \[*) ;;
    *[!0-9.]*) named=yes ;;
  esac
}

# with_address IP sets located, the URL that was split with an address for its host.
with_address() {
  case $1 in
    *:*) located="$scheme://[$1]$port" ;;
    *) located="$scheme://$1$port" ;;
  esac
}

# ---- the CA file ----------------------------------------------------------------------------------------------------

# refresh_ca takes a snapshot of the CA file. Probes and containerd use the snapshot only, so that what was verified is
# what containerd will read. One that is gone under our hands keeps counting: the certificates did not change by that.
refresh_ca() {
  [ -n "$ca_file" ] || return 0
  read_ca
  if [ -z "$content" ]; then
    [ -n "$ca_gone" ] || log "the CA file $ca_file cannot be read"
    ca_gone=yes
    return 0
  fi
  ca_gone=''
  if [ "$content" = "$ca_text" ] && [ -f "$state_dir/ca$suffix.pem" ]; then return 0; fi
  if ! put "$state_dir/ca$suffix.pem" "$content"; then
    log "writing $state_dir/ca$suffix.pem failed"
    return 0
  fi
  ca_text=$content
  ca_hash=$({ sha256sum "$state_dir/ca$suffix.pem" || cksum "$state_dir/ca$suffix.pem"; } 2>/dev/null | cut -c 1-12 | tr ' ' -)
  ca_option="--cacert $state_dir/ca$suffix.pem" wget_ca_option="--ca-certificate=$state_dir/ca$suffix.pem"
}

# read_ca sets content to the CA file, or to all of a folder.
read_ca() {
  if [ ! -d "$ca_file" ]; then
    read_file "$ca_file" || content=''
    return
  fi
  _all=''
  for _file in "$ca_file"/*.crt "$ca_file"/*.pem; do
    if read_file "$_file"; then _all=$_all$content; fi
  done
  content=$_all
}

# copy_ca puts the snapshot beside hosts.toml, before that names it.
copy_ca() {
  ca_copy=''
  if [ "$kind" = mirror ]; then
    copy_mirror_ca
    return
  fi
  case $endpoint,$ca_hash in
    https://*,?*) ca_copy=$certs_dir/$upstream/registry-cache-ca-$ca_hash.pem ;;
    *) return 0 ;;
  esac
  # Looked at closely once per round: reading certificates every second would cost more than all the rest.
  if [ "$copied" = "$ca_copy" ] && [ -f "$ca_copy" ]; then return 0; fi
  if ! { read_file "$ca_copy" && [ "$content" = "$ca_text" ]; }; then
    { make_directory && put "$ca_copy" "$ca_text"; } || return 1
  fi
  set_of "$1" copied "$ca_copy"
}

copy_mirror_ca() {
  for _file in "$source"/registry-cache-ca-*.pem; do
    read_file "$_file" || continue
    _text=$content
    if read_file "$certs_dir/$upstream/${_file##*/}" && [ "$content" = "$_text" ]; then continue; fi
    if ! { make_directory && put "$certs_dir/$upstream/${_file##*/}" "$_text"; }; then return 1; fi
  done
}

# sweep_ca removes copies that hosts.toml does not name, a round after that changed, when no pull has the old one in hand.
sweep_ca() {
  case $stale in
    '') return 0 ;;
    1) set_of "$1" stale 2 ;;
    2)
      remove_copies
      set_of "$1" stale ''
      ;;
  esac
}

# remove_copies removes the copies that hosts.toml of the upstream does not name.
remove_copies() {
  read_file "$certs_dir/$upstream/hosts.toml" || content=''
  for _copy in "$certs_dir/$upstream"/registry-cache-ca-*.pem; do
    case $content in
      *"\"$_copy\""*) ;;
      *) rm -f "$_copy" ;;
    esac
  done
  [ -n "$content" ] || tidy "$certs_dir/$upstream"
}

# sweep_stopped removes all copies when we stop: whoever configures this node next does not know them. A pull that read a file
# just before it changed may still open the copy that it named.
sweep_stopped() {
  _copies=''
  for _number in $all; do
    get "$_number" upstream
    for _copy in "$certs_dir/$upstream"/registry-cache-ca-*.pem; do
      if [ -e "$_copy" ]; then _copies=yes; fi
    done
  done
  [ -n "$_copies" ] || return 0
  sleep 1
  for _number in $all; do
    get "$_number" upstream
    remove_copies
  done
}

# tidy removes a folder that has nothing but what a killed guard left of a write: an empty one would hide _default.
tidy() {
  [ -d "$1" ] && [ ! -e "$1/hosts.toml" ] || return 0
  rm -f "$1"/.hosts.toml.new "$1"/.registry-cache-ca-*.new
  rmdir "$1" 2>/dev/null
}

# ---- files ----------------------------------------------------------------------------------------------------------

# read_file FILE sets content, without starting a process.
read_file() {
  content=''
  [ -f "$1" ] || return 1
  { while IFS= read -r _line || [ -n "$_line" ]; do content=$content$_line$nl; done <"$1"; } 2>/dev/null
}

# put FILE CONTENT replaces a file as a whole: whoever reads it sees the old content or the new, even if we are killed or
# the disk is full. The shell's own word for a write that succeeded is not enough.
put() {
  _new=${1%/*}/.${1##*/}.new
  _content=$2
  if printf '%s' "$_content" 2>/dev/null >"$_new" && read_file "$_new" && [ "$content" = "$_content" ] && mv -f "$_new" "$1" 2>/dev/null; then
    return 0
  fi
  rm -f "$_new"
  return 1
}

make_directory() {
  [ -d "$certs_dir/$upstream" ] || mkdir -p "$certs_dir/$upstream" 2>/dev/null
}

# is_ours looks at content: our marker (with our name, or with none), or exactly what the script of
# gardener-extension-registry-cache wrote.
is_ours() {
  case $content in
    "$marker$nl"* | "$plain_marker$nl"*) return 0 ;;
    "${plain_marker%%)*} "*) # of a guard with another name, and ours as soon as that one has let go of it
      _server=${content#*server = \"} _host=${content#*'[host."'}
      [ "${_server%%\"*}" = "${_host%%\"*}" ]
      return
      ;;
    'server = "'*'[host."'*) ;;
    *) return 1 ;;
  esac
  _server=${content#*\"} _host=${content#*'[host."'}
  [ "$content" = "server = \"${_server%%\"*}\"$nl${nl}[host.\"${_host%%\"*}\"]$nl$capabilities$nl" ]
}

# want_cache and want_direct set wanted, the file that hosts.toml ought to be. A file with a server alone would not do:
# containerd 1.6 and 1.7 refuse it.
want_cache() {
  if [ "$kind" = mirror ]; then
    if read_file "$source/hosts.toml"; then wanted=$marker$nl$content; fi
    return 0
  fi
  wanted="$marker${nl}server = \"$server\"$nl${nl}[host.\"$address\"]$nl$capabilities$nl  dial_timeout = \"$dial_timeout\"$nl"
  if [ -n "$ca_copy" ]; then wanted="$wanted  ca = \"$ca_copy\"$nl"; fi
}

want_direct() {
  wanted="$marker${nl}server = \"$server\"$nl${nl}[host.\"$server\"]$nl$capabilities$nl"
}

# is_default says whether containerd would ask the server anyway.
is_default() {
  case $upstream in
    docker.io) [ "$server" = https://registry-1.docker.io ] ;;
    *) [ "$server" = "https://$upstream" ] ;;
  esac
}

# trouble NUMBER TEXT logs what is wrong with a registry, once.
trouble() {
  [ "$said" = "$2" ] || log "$upstream: $2"
  set_of "$1" said "$2"
}

# settle NUMBER makes the file what it ought to be now. Ownership is looked up each time and never remembered.
settle() {
  get "$1" kind upstream endpoint server source up address state word word_counts said copied
  file=$certs_dir/$upstream/hosts.toml present=''
  if read_file "$file"; then
    present=$content
    if ! is_ours; then
      become "$1" foreign "$file is not ours, left alone"
      return
    fi
  elif [ -e "$file" ] || [ -L "$file" ]; then
    become "$1" foreign "$file cannot be read, left alone"
    return
  fi
  if word_counts "$1"; then
    if [ -n "$present" ] && rm -f "$file"; then set_of "$1" stale 1; fi
    # When the word is old, the cache has to answer anew.
    [ "$kind" = mirror ] || set_of "$1" up '' failures 0
    become "$1" withdrawn "withdrawn by the cleaner, not used for $withdrawn_minutes minutes"
    return
  fi
  case $up in
    yes) settle_cache "$1" ;;
    no) settle_direct "$1" ;;
    *) [ -n "$present" ] || settle_direct "$1" ;; # a file in use stays until two probes have failed
  esac
}

settle_cache() {
  if ! copy_ca "$1"; then
    trouble "$1" "copying the CA file into $certs_dir/$upstream failed"
    settle_direct "$1"
    return
  fi
  wanted=$present
  want_cache
  if [ "$present" != "$wanted" ]; then
    if ! { make_directory && put "$file" "$wanted"; }; then
      trouble "$1" "writing $file failed"
      [ -n "$present" ] || rmdir "$certs_dir/$upstream" 2>/dev/null
      return
    fi
    set_of "$1" stale 1 said ''
    [ "$state" != in-use ] || log "$upstream: $file renewed, uses $address"
  fi
  if [ "$kind" = mirror ]; then
    become "$1" mirror "uses its mirrors, $address first"
  else
    become "$1" in-use "uses $address"
  fi
}

settle_direct() {
  want_direct
  case $present in
    "$wanted") ;;
    '') is_default || write_direct "$1" ;;
    *) write_direct "$1" ;;
  esac
  if [ -n "$up" ] || [ -n "$present" ]; then
    become "$1" direct "direct, ${why:-$endpoint does not answer}"
  fi
}

# write_direct falls back to no file at all, which is possible on a full disk too.
write_direct() {
  if make_directory && put "$file" "$wanted"; then
    set_of "$1" stale 1
    return
  fi
  if [ -n "$present" ] && rm -f "$file"; then
    trouble "$1" "writing $file failed, removed it"
  else
    trouble "$1" "writing $file failed"
  fi
  rmdir "$certs_dir/$upstream" 2>/dev/null
}

# become NUMBER STATE TEXT notes and logs a state, if it is a new one.
become() {
  get "$1" state withdrawals
  [ "$state" != "$2" ] || return 0
  if [ "$state,$2" = in-use,direct ]; then withdrawals=$((withdrawals + 1)); fi
  set_of "$1" state "$2" since "$(date -u +%Y-%m-%dT%H:%M:%SZ)" withdrawals "$withdrawals"
  log "$upstream: $3"
  state_changed=yes
}

# write_state tells whoever looks what is used: a line per registry.
write_state() {
  [ -n "$state_changed" ] || return 0
  state_changed='' _text=''
  for _i in $all; do
    get "$_i" upstream endpoint state since withdrawals
    _text="$_text$upstream state=${state:-starting} since=${since:--} withdrawals=$withdrawals endpoint=$endpoint$nl"
  done
  if [ -n "$config_path_wrong" ]; then _text="$_text# containerd does not read $certs_dir: $config_path_wrong$nl"; fi
  put "$state_dir/state$suffix" "$_text" || log "writing $state_dir/state$suffix failed"
}

# word_counts NUMBER says whether the cleaner withdrew exactly this upstream and endpoint a short time ago. The clock, which
# costs a process, is asked once per word and round.
word_counts() {
  if ! read_file "$state_dir/withdrawn/$upstream"; then
    [ "$word_counts" = no ] || set_of "$1" word '' word_counts no
    return 1
  fi
  if [ "$content" != "$word" ]; then
    word_counts=no _now=$(date +%s)
    while read -r _endpoint _time; do
      case $_endpoint,$_time in
        *,'' | *,*[!0-9]* | *,0*) ;;
        # A word from the future is from a clock that was wrong; a minute may be.
        "$endpoint",*)
          _age=$((_now - _time))
          if [ "$_age" -ge -60 ] && [ "$_age" -lt $((withdrawn_minutes * 60)) ]; then word_counts=yes; fi
          ;;
      esac
    done <"$state_dir/withdrawn/$upstream"
    set_of "$1" word "$content" word_counts "$word_counts"
  fi
  [ "$word_counts" = yes ]
}

# remove_unlisted withdraws what an earlier list had.
remove_unlisted() {
  for _dir in "$certs_dir"/*/; do
    _name=${_dir%/}
    _name=${_name##*/}
    case " $upstreams " in
      *" $_name "*) continue ;;
    esac
    if read_file "${_dir}hosts.toml" && is_ours && is_only_ours; then
      if rm -f "${_dir}hosts.toml"; then log "$_name: no longer listed, ${_dir}hosts.toml removed"; fi
      rm -f "${_dir}"registry-cache-ca-*.pem
      tidy "${_dir%/}"
    fi
  done
}

# is_only_ours leaves what has no name in it to a guard without a name.
is_only_ours() {
  case $owner,$content in
    ,*) ;;
    *,"$marker$nl"*) ;;
    *) return 1 ;;
  esac
}

check_containerd_config() {
  config_path_wrong=''
  [ -n "$containerd_config" ] || return 0
  if [ ! -r "$containerd_config" ]; then
    config_path_wrong="$containerd_config cannot be read"
  else
    _paths=$(sed -n "s/^[[:space:]]*config_path[[:space:]]*=[[:space:]]*[\"']\(.*\)[\"'].*/\1/p" "$containerd_config")
    [ "$_paths" = "$certs_dir" ] || config_path_wrong="config_path in $containerd_config must be exactly \"$certs_dir\", is \"$_paths\""
  fi
  [ -z "$config_path_wrong" ] || log "hosts.toml files are not used: $config_path_wrong"
  state_changed=yes
}

# ---- rounds ---------------------------------------------------------------------------------------------------------

# round NUMBER... probes, and those that were in use once more at once: one lost packet must not withdraw a cache.
round() {
  probed=$*
  _found=$(probe "$@")
  printf '%s\n' "$_found"
  _again=''
  for _i in "$@"; do
    get "$_i" up
    case $up,$nl$_found in
      yes,*"$nl$_i "*) ;;
      yes,*) _again="$_again $_i" ;;
    esac
  done
  # shellcheck disable=SC2086 # numbers are separated by blanks
  if [ -n "$_again" ]; then
    probed=$_again
    probe $_again
  fi
}

# candidates sets due: the registries that are to be probed, all of them or those that do not answer.
candidates() {
  due=''
  for _i in $all; do
    get "$_i" kind endpoint upstream up word_counts said
    if [ "$kind" = mirror ] || [ "$word_counts" = yes ]; then continue; fi
    if ! can_probe "$endpoint"; then
      trouble "$_i" "$why"
      set_of "$_i" up no
    elif [ "$1" = all ] || [ "$up" != yes ]; then
      due="$due $_i"
    fi
  done
  why=''
}

# conclude RESULT draws the conclusions of a round: one answer is an answer, two failures in a row are silence.
conclude() {
  for _i in $due; do
    get "$_i" up failures endpoint
    case $nl$1$nl in
      *"$nl$_i "*)
        _ip=${1#*"$nl$_i "}
        case $nl$1 in
          "$nl$_i "*) _ip=${1#"$_i "} ;;
        esac
        set_of "$_i" up yes failures 0
        follow "$_i" "${_ip%%"$nl"*}"
        ;;
      *)
        failures=$((failures + 1))
        [ "$up" != yes ] || failures=2 # a round asks twice then
        set_of "$_i" failures "$failures"
        [ "$failures" -lt 2 ] || set_of "$_i" up no
        ;;
    esac
  done
}

# follow NUMBER IP gives containerd the address behind an endpoint's name, which a node cannot look up.
follow() {
  split "$endpoint"
  [ -n "$named" ] && [ -n "$2" ] || return 0
  with_address "$2"
  set_of "$1" address "$located"
}

settle_all() {
  for _number in $all; do settle "$_number"; done
  write_state
}

# pause TENTHS waits so many tenths of a second, in a way that a signal ends, and counts them: asking the clock would cost a
# process more. Where the shell can, it waits by itself, for starting sleep is most of what a guard in bash costs.
pause() {
  ticks=$((ticks + $1))
  case $pauser in
    read)
      # shellcheck disable=SC3045 # only where it was tried
      read -r -t "$(($1 / 10)).$(($1 % 10))" _ <&9
      ;;
    fractions)
      sleep "$(($1 / 10)).$(($1 % 10))" &
      wait $!
      ;;
    *)
      ticks=$((ticks + 9 - ($1 + 9) % 10))
      sleep "$((($1 + 9) / 10))" &
      wait $!
      ;;
  esac
}

# choose_pauser finds out how this shell can wait: reading from a pipe that nobody writes to, with a timeout (bash, busybox
# ash), or with sleep, which may know fractions of a second.
choose_pauser() {
  pauser=seconds
  if sleep 0.1 2>/dev/null; then pauser=fractions; fi
  _fifo=$state_dir/.pause$suffix.$$
  if mkfifo "$_fifo" 2>/dev/null && exec 9<>"$_fifo"; then
    # shellcheck disable=SC3045 # that is the question
    read -r -t 0.1 _ <&9 2>/dev/null
    [ $? -eq 2 ] || pauser='read' # 2 is an option that the shell does not have
  fi
  rm -f "$_fifo"
}

# watch looks at the files every second, and meanwhile probes in the background, so that a cache which swallows packets
# does not keep us from seeing that somebody removed a file. All caches are probed once per interval. In the first two
# minutes, in which a new node's first pulls are waiting, those that do not answer yet are probed more than once per second.
watch() {
  ticks=0 next=$((interval * 10)) running='' result=$state_dir/.round$suffix.$$
  while :; do
    if [ -n "$running" ]; then
      pause 2
      if [ -f "$result" ] || [ "$ticks" -ge "$lapse" ]; then end_round; fi
    elif [ "$ticks" -ge "$next" ]; then
      # The jitter spreads the nodes of a cluster.
      seed=$(((seed * 1103515245 + 12345) % 2147483648))
      pause "$((seed / 65536 % 5 + 1))"
      next=$((ticks + interval * 10)) probe_timeout=$timeout
      sweep_all
      refresh
      candidates all
      begin_round
    elif [ "$ticks" -lt 1200 ] && refresh && candidates silent && [ -n "$due" ]; then
      probe_timeout=$connect_timeout
      begin_round
    else
      pause 10
    fi
    settle_all
  done
}

# begin_round probes those that are due, in the background.
begin_round() {
  lapse=$((ticks + timeout * 20 + 30))
  [ -d "$state_dir" ] || mkdir -p "$state_dir"
  # shellcheck disable=SC2086 # numbers are separated by blanks
  {
    round $due >"$result.new"
    mv -f "$result.new" "$result"
  } &
  running=$!
}

# end_round draws the conclusions. A round without a result (killed, or its folder taken away) counts as no answer of
# anybody: better direct for some seconds than a dead cache for ever.
end_round() {
  if ! read_file "$result"; then
    content=''
    kill "$running" 2>/dev/null
    log "a round of probes brought no result"
  fi
  _result=$content
  wait "$running" 2>/dev/null
  running=''
  rm -f "$result"
  conclude "$_result"
  settle_all
  [ "$ticks" -ge 1200 ] || pause "$((3 + seed % 3))" # the many rounds at the start differ from node to node
}

# refresh looks at what may have changed since the last round.
refresh() {
  refresh_ca
  for _number in $all; do set_of "$_number" word '' copied ''; done
  return 0
}

sweep_all() {
  for _number in $all; do
    get "$_number" upstream stale
    sweep_ca "$_number"
  done
}

# stop leaves no file that needs us: a node without a guard must not depend on a cache.
stop() {
  trap '' TERM INT
  for _number in $all; do
    get "$_number" kind upstream endpoint server state said
    file=$certs_dir/$upstream/hosts.toml why='the guard stops'
    if read_file "$file" && is_ours; then
      present=$content up=no
      settle_direct "$_number"
    fi
  done
  write_state
  rm -f "$state_dir/.round$suffix.$$" "$state_dir/.round$suffix.$$.new"
  # shellcheck disable=SC2046 # process ids
  kill $(jobs -p) 2>/dev/null
  sweep_stopped
  exit 0
}

main() {
  parse_arguments "$@"
  check_options
  probes=yes
  [ "$count" -gt 0 ] || probes=no
  take_mirrors
  choose_prober
  plain_marker='# managed by registry-cache (configure-containerd-registries), do not edit'
  marker="# managed by registry-cache (configure-containerd-registries${owner:+ $owner}), do not edit" suffix=${owner:+.$owner}
  mkdir -p "$state_dir" || fail "making $state_dir failed"
  for _file in "$state_dir/.round$suffix".[0-9]*; do
    _pid=${_file%.new}
    kill -0 "${_pid##*.}" 2>/dev/null || rm -f "$_file"
  done
  state_changed='' why='' ca_text='' ca_hash='' ca_gone='' ca_option='' wget_ca_option='' ca_copy=''
  choose_pauser
  seed=$(od -An -N2 -tu2 /dev/urandom 2>/dev/null | tr -d ' ')
  seed=$((${seed:-$$} + 0))
  trap stop TERM INT
  check_containerd_config
  remove_unlisted
  for _number in $all; do
    get "$_number" upstream
    tidy "$certs_dir/$upstream"
  done
  settle_all
  if [ -n "$once" ]; then
    probe_timeout=$timeout
    for _pass in 1 2; do
      refresh
      candidates silent
      # shellcheck disable=SC2086 # numbers are separated by blanks
      [ -z "$due" ] || conclude "$(round $due)"
    done
    settle_all
    return 0
  fi
  watch
}

main "$@"
