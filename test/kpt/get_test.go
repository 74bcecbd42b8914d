package kpt

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/test/rendered"
	"github.com/registry-cache/registry-cache/test/tool"
)

var update = flag.Bool("update", false, "write the rendered package anew")

// bareClone commits the working tree as it is, without what git ignores, and returns a bare clone of that.
func bareClone(t *testing.T) string {
	t.Helper()
	root, work := tool.Root(t), t.TempDir()
	for _, name := range workingTree(t) {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		files{name: string(content)}.write(t, work)
	}
	must(t, work, "git", "init", "--quiet", "--initial-branch=main")
	must(t, work, "git", "add", "--all")
	must(t, work, "git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=test")
	bare := filepath.Join(t.TempDir(), "repository.git")
	must(t, work, "git", "clone", "--quiet", "--bare", work, bare)
	return bare
}

// workingTree lists the files that are committed or would be.
func workingTree(t *testing.T) []string {
	t.Helper()
	root := tool.Root(t)
	list := must(t, root, "git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	return slices.DeleteFunc(strings.Split(list, "\x00"), func(name string) bool { return name == "" })
}

// TestGetAndRender: the package that users get from a repository renders, and lays out a folder for each cache. "go test
// ./test/kpt -update" writes the expected files anew; read the difference before you commit it.
func TestGetAndRender(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "caches")
	must(t, filepath.Dir(dir), tool.Path(t, "kpt"), "pkg", "get", bareClone(t)+"/overlays/kpt@main", dir)
	got := snapshot(t, dir)
	if names := got.names(); !slices.Equal(names, []string{"Kptfile", "README.md", "registryconfig.yaml"}) {
		t.Fatalf("the package must hold three files, got %q", names)
	}

	render(t, dir)
	all := snapshot(t, dir)
	generated := all.without(got)
	for name, text := range generated {
		generated[name] = rendered.WithoutScripts(text)
	}
	expected := filepath.Join("testdata", "rendered")
	if *update {
		if err := os.RemoveAll(expected); err != nil {
			t.Fatal(err)
		}
		generated.write(t, expected)
	}
	checkSame(t, "the generated files must be those in "+expected+", see -update", snapshot(t, expected), generated)
	checkSame(t, "the user's files must stay", got, all.without(generated))
}

// TestReadmeShowsTheImage: the README shows the pipeline of the package with an image in place of the program.
func TestReadmeShowsTheImage(t *testing.T) {
	p := thePackage(t)
	_, pipeline, found := strings.Cut(p["Kptfile"], "\npipeline:\n")
	if !found {
		t.Fatal("the Kptfile must have a pipeline")
	}
	shown := "\n```yaml\npipeline:\n" + strings.Replace(pipeline, "exec: registry-cache-fn", "image: registry.example/registry-cache-fn:v1.0.0", 1)
	if !strings.Contains(p["README.md"], shown) {
		t.Errorf("the README must show:%s", shown)
	}
}
