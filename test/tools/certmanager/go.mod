// A module of its own: only cert-manager's CustomResourceDefinitions are read, and what it needs must not reach what ships.
module github.com/registry-cache/registry-cache/test/tools/certmanager

go 1.26.0

require github.com/cert-manager/cert-manager v1.19.1
