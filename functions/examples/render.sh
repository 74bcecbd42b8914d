#!/bin/sh
# Prints what kustomize builds of a folder with a config of registry-cache-fn, and fails if no cache comes out.
#
#   render.sh FOLDER > manifests.yaml
#
# kustomize runs no function without its two flags, and says nothing about it: it leaves out what the function would have
# printed and exits with 0. What applies that with pruning deletes all caches. The same happens when a config is taken off
# the kustomization by mistake.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: render.sh FOLDER > manifests.yaml" >&2
  exit 2
fi

manifests=$(kustomize build --enable-alpha-plugins --enable-exec "$1")

case $manifests in
*"functions.registry.extensions.gardener.cloud/generated-by: RegistryConfig/"*) ;;
*"functions.registry.extensions.gardener.cloud/generated-by: RegistryCaches/"*) ;;
*)
  echo "render.sh: kustomize build $1 printed no cache: is a config of registry-cache-fn under generators or transformers?" >&2
  exit 1
  ;;
esac

printf '%s\n' "$manifests"
