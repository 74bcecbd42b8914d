package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
	"github.com/registry-cache/registry-cache/test/registries"
)

// The upstreams. The cache of the steady one is never stopped, so that what grows in it is seen; that of the passing one comes and
// goes.
const (
	docker  = "docker.io"
	steady  = "quay.io"
	passing = "ghcr.io"
)

const (
	// imagesPerUpstream are together larger than a volume.
	imagesPerUpstream = 24
	maxLayers         = 4
	smallestLayer     = 10_000
	largestLayer      = 4_000_000
	mib               = 1 << 20
	// skew is the exponent of the images' popularity: with it the first tenth of them gets half of the pulls.
	skew = 1.1
)

// upstream is a registry with images. The first images are the popular ones.
type upstream struct {
	name     string
	registry *cluster.Registry
	images   []*image

	// on is held for reading by each pull, and for writing while it changes what may be pulled.
	on      sync.RWMutex
	allowed []*image
	off     func() // notes that it is on again
	// change is held by whatever disturbs the cache, so that the upstream is never off when the cache is.
	change sync.Mutex

	lock sync.Mutex
	busy map[string]bool // images that a node has at the moment, as node/repository
	// content are the requests for blobs and manifests so far, by repository.
	content map[string]int
	// fromNodes and fromPods are those for blobs, by who asked.
	fromNodes, fromPods int
}

// image is one that is pulled again and again.
type image struct {
	reference  string // as in pods
	repository string
	bytes      int
}

func (s *soak) startUpstreams(ctx context.Context) error {
	urls := map[string]string{docker: "https://registry-1.docker.io", steady: "https://quay.io", passing: "https://ghcr.io"}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for i, host := range []string{docker, steady, passing} {
		registry, err := s.cluster.Internet().StartRegistry(urls[host], registries.UpstreamOptions{})
		if err != nil {
			return err
		}
		u := &upstream{name: host, registry: registry, busy: map[string]bool{}, content: map[string]int{}}
		s.upstreams = append(s.upstreams, u)
		random := s.random(uint64(1000 + i))
		group.Go(func() error { return s.push(ctx, u, random) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, u := range s.upstreams {
		u.allowed = u.images
		fmt.Printf("%s has %d images, %d MiB in all\n", u.name, len(u.images), u.bytes()/mib)
	}
	return nil
}

// push makes the images of an upstream. The sizes of their layers are spread evenly over the orders of magnitude, and are the same
// in each upstream.
func (s *soak) push(ctx context.Context, u *upstream, random *rand.Rand) error {
	for i, rank := range random.Perm(imagesPerUpstream) {
		size := smallestLayer * math.Pow(largestLayer/smallestLayer, float64(rank)/(imagesPerUpstream-1))
		options := nodeimages.AppOptions{Layers: 1 + rank%maxLayers, LayerBytes: int(size), Seed: random.Uint64()}
		content, err := nodeimages.App(s.cluster.Base, options)
		if err != nil {
			return err
		}
		repository := fmt.Sprintf("library/app-%d", i)
		if err := u.registry.Push(ctx, repository+":1", content); err != nil {
			return err
		}
		u.images = append(u.images, &image{reference: u.name + "/" + repository + ":1", repository: repository, bytes: options.Layers * options.LayerBytes})
	}
	return nil
}

func (u *upstream) bytes() (sum int) {
	for _, i := range u.images {
		sum += i.bytes
	}
	return sum
}

// take chooses an image that the node does not have, nil if there is none. The caller holds on, and calls give.
func (u *upstream) take(node string, random *rand.Rand) *image {
	first := int(rand.NewZipf(random, skew, 1, uint64(len(u.allowed)-1)).Uint64()) //nolint:gosec // at most as many as there are
	u.lock.Lock()
	defer u.lock.Unlock()
	for i := range u.allowed {
		candidate := u.allowed[(first+i)%len(u.allowed)]
		if !u.busy[node+"/"+candidate.repository] {
			u.busy[node+"/"+candidate.repository] = true
			return candidate
		}
	}
	return nil
}

// give tells that the node does not have an image any more.
func (u *upstream) give(node string, i *image) {
	u.lock.Lock()
	defer u.lock.Unlock()
	delete(u.busy, node+"/"+i.repository)
}

// drain counts the requests since it was last called.
func (u *upstream) drain() {
	u.lock.Lock()
	defer u.lock.Unlock()
	for _, request := range u.registry.Take() {
		if !request.ForContent() || request.Method != http.MethodGet {
			continue // a tag is asked for at each pull, with HEAD
		}
		u.content[repositoryOf(request.Path)]++
		switch {
		case !strings.Contains(request.Path, "/blobs/"):
		case request.FromNode():
			u.fromNodes++
		default:
			u.fromPods++
		}
	}
}

var contentPath = regexp.MustCompile(`^/v2/(.*)/(blobs|manifests)/[^/]*$`)

func repositoryOf(path string) string {
	if match := contentPath.FindStringSubmatch(path); match != nil {
		return match[1]
	}
	return ""
}

// contentOf returns how much of a repository has been asked for.
func (u *upstream) contentOf(repository string) int {
	u.drain()
	u.lock.Lock()
	defer u.lock.Unlock()
	return u.content[repository]
}
