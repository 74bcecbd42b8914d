package nodeimages

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/registry-cache/registry-cache/test/tree"
)

// An archive of a tool has its program, the name that a node looks it up by and, where upstreams are asked, certificates.
func TestArchives(t *testing.T) {
	root := t.TempDir()
	tree.Write(t, root, tree.Tree{"bin/tools/coredns": "DNS", "bin/tools/registry": "stock"})
	const digest = "sha256:1be55279f18a2fe1a74edf2664cac61c1bea305b7b4642dab412e7affdcb3e33"
	for _, test := range []struct {
		image, reference, want string
		config                 v1.Config
		entries                map[string]string
	}{
		{
			image: CoreDNS, want: "registry.example.com/registry-cache/coredns:test",
			config:  v1.Config{Entrypoint: []string{"/bin/coredns"}},
			entries: map[string]string{"bin": "", "bin/coredns": "DNS", "tmp": ""},
		},
		{
			image: Registry, reference: "registry:3.1.1@" + digest, want: "docker.io/library/registry@" + digest,
			config: v1.Config{Entrypoint: []string{"/bin/registry"}, Cmd: []string{"serve", "/etc/distribution/config.yml"}},
			entries: map[string]string{
				"bin": "", "bin/registry": "stock", "tmp": "", "etc": "", "etc/ssl": "", "etc/ssl/certs": "",
				"etc/ssl/certs/ca-certificates.crt": "PEM",
			},
		},
	} {
		t.Run(test.image, func(t *testing.T) {
			set := Set{Root: root, Dir: t.TempDir(), CA: []byte("PEM")}
			if test.reference != "" {
				set.References = map[string]string{test.image: test.reference}
			}
			archives, err := set.Write(t.Context(), test.image)
			if err != nil {
				t.Fatal(err)
			}
			name, image := open(t, archives[0])
			if name != test.want {
				t.Errorf("the image must be imported as %s, is as %s", test.want, name)
			}
			test.config.Env, test.config.WorkingDir = []string{"PATH=/bin"}, "/"
			config := configOf(t, image)
			if diff := cmp.Diff(test.config, config.Config); diff != "" {
				t.Errorf("the config must be as wanted (-want +got):\n%s", diff)
			}
			if config.OS != "linux" || config.Architecture != runtime.GOARCH {
				t.Errorf("the image must be for this machine, is for %s/%s", config.OS, config.Architecture)
			}
			if diff := cmp.Diff(test.entries, entries(t, image)); diff != "" {
				t.Errorf("the files must be as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

// What this project compiles is laid out as it ships it, and kept until its source changes.
func TestCompiledIsKept(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	set := Set{Root: root, Dir: t.TempDir()}
	var times [2]int64
	for i := range times {
		archives, err := set.Write(t.Context(), Pause)
		if err != nil {
			t.Fatal(err)
		}
		name, image := open(t, archives[0])
		if want := "registry.example.com/registry-cache/pause:test"; name != want {
			t.Errorf("the image must be imported as %s, is as %s", want, name)
		}
		config := configOf(t, image).Config
		if config.User != "65532:65532" || !cmp.Equal(config.Entrypoint, []string{"/pause"}) {
			t.Errorf("nobody in particular must run /pause, got user %s and entrypoint %q", config.User, config.Entrypoint)
		}
		if program := entries(t, image)["pause"]; !strings.HasPrefix(program, "\x7fELF") {
			t.Errorf("the image must have a program, has %.10q", program)
		}
		kept, err := filepath.Glob(filepath.Join(root, "bin", "nodeimages", Pause+"@*", "index.json"))
		if err != nil || len(kept) == 0 {
			t.Fatalf("the image must be kept, got %q, %v", kept, err)
		}
		for _, index := range kept {
			info, err := os.Stat(index)
			if err != nil {
				t.Fatal(err)
			}
			times[i] = max(times[i], info.ModTime().UnixNano())
		}
	}
	if times[0] != times[1] {
		t.Error("the second time the kept image must be used, not another be built")
	}
}

// Errors say what to do.
func TestRefuses(t *testing.T) {
	for _, test := range []struct {
		name, reference, image, want string
	}{
		{name: "an image that is not known", image: "nginx", want: `image must be one of ["pause" `},
		{name: "a tool that has not been built", image: CoreDNS, want: "coredns has not been built, make bin/tools/coredns does"},
		{name: "a reference that is none", image: CoreDNS, reference: "https://coredns", want: `parsing reference "https://coredns"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := Set{Root: t.TempDir(), Dir: t.TempDir()}
			if test.reference != "" {
				tree.Write(t, set.Root, tree.Tree{"bin/tools/coredns": "DNS"})
				set.References = map[string]string{test.image: test.reference}
			}
			if _, err := set.Write(t.Context(), test.image); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error must say %q, got %v", test.want, err)
			}
		})
	}
}
