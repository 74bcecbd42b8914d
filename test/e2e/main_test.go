//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
	"github.com/registry-cache/registry-cache/test/registries"
)

// What all clusters share: it takes seconds to make, and no test changes it.
var (
	// authority signs for the registries of every cluster's internet.
	authority *registries.CA
	// images are those that nodes have from the beginning.
	images nodeimages.Set
	// archives are their files, by their names.
	archives = map[string]string{}
	// base is the lowest layer of every image that is run as a pod.
	base v1.Layer
)

func TestMain(m *testing.M) {
	flag.Parse()
	log.SetLogger(logr.Discard())
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := cluster.TempDir()
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder in /tmp does no harm
	if authority, err = registries.NewCA(); err != nil {
		return 1, err
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return 1, err
	}
	images = nodeimages.Set{Root: root, Dir: dir, CA: authority.PEM()}
	ctx := context.Background()
	paths, err := images.Write(ctx)
	if err != nil {
		return 1, err
	}
	for i, name := range nodeimages.Names() {
		archives[name] = paths[i]
	}
	if base, err = images.Base(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
