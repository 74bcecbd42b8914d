#!/bin/bash
# Boots a node: run as process 1 of a PID namespace, in a mount namespace of its own.
#
# usage: boot.sh ROOT TOOLS SHARED
#
# ROOT is the folder that becomes /, which survives a reboot; TOOLS, mounted read-only at /opt/node, has the programs; SHARED,
# mounted at the same place as outside, has what all nodes share: volumes and archives of images. Of the machine, the node
# sees /usr and /dev; its /run, its processes and its mounts are its own and end with it.
set -o errexit -o nounset -o pipefail

root=$1 tools=$2 shared=$3

bind() { # SOURCE TARGET [OPTIONS]
  mkdir -p "$2"
  mount --rbind "$1" "$2"
  if [[ -n ${3-} ]]; then mount -o "remount,bind,$3" "$2"; fi
}

mount --make-rprivate /
mkdir -p "$root"
mount --bind "$root" "$root"
mkdir -p "$root"/{proc,sys,run,tmp,root,var/tmp,mnt/old}
chmod 1777 "$root/tmp" "$root/var/tmp"
bind /usr "$root/usr" ro
bind /dev "$root/dev"
bind "$tools" "$root/opt/node" ro
bind "$shared" "$root$shared"
for link in bin sbin lib lib32 lib64 libx32; do
  if [[ -L /$link ]]; then ln -sfn "$(readlink "/$link")" "$root/$link"; fi
done
mkdir -p "$root/etc"
for name in alternatives group ld.so.cache ld.so.conf ld.so.conf.d login.defs nsswitch.conf passwd; do
  if [[ -e /etc/$name && ! -e $root/etc/$name ]]; then cp -a "/etc/$name" "$root/etc/"; fi
done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"

# kubelet sets these for the whole machine, unless they are what it wants.
cd "$root/run"
for setting in kernel/panic=10 kernel/panic_on_oops=1 vm/overcommit_memory=1 vm/panic_on_oom=0 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=sysctl-${setting//[\/=]/-}
  echo "${setting#*=}" >"$file"
  mount --bind "$file" "$root/proc/sys/${setting%=*}"
done

cd "$root"
pivot_root . mnt/old
umount -l /mnt/old
mount --make-rshared /
echo booted >/run/booted

# A process whose parent has ended is handed to process 1, which has to see it end.
while :; do
  sleep 3600 &
  wait $! || true
done
