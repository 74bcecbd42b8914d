// Package nodeimages makes what a node under test runs as images: the pods' pause, the cluster's DNS, a shell, this project's
// own images as it ships them, and distribution's registry. They are archives that "ctr --namespace k8s.io images import"
// takes, as no node under test pulls from the world; and there are images of any size that run, for upstreams to serve.
//
// All are made from scratch and for this machine alone. Layers are not compressed, so that making and importing them is
// a matter of copying; what this project ships is compiled, and laid out, as "make images" does it.
package nodeimages
