//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/registry-cache/registry-cache/test/tool"
)

// document returns the blocks of a language in a document, or in the section of it with a heading. There must be as many as the
// test knows.
func (e *env) document(path, heading, language string, count int) []string {
	e.t.Helper()
	content, err := os.ReadFile(filepath.Join(tool.Root(e.t), path))
	e.must(err)
	text := string(content)
	if heading != "" {
		_, after, found := strings.Cut(text, "\n## "+heading+"\n")
		if !found {
			e.t.Fatalf("%s has no section %q", path, heading)
		}
		text, _, _ = strings.Cut(after, "\n## ")
	}
	var blocks []string
	for _, block := range regexp.MustCompile("(?ms)^ *```"+language+"\n(.*?)^ *```$").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, block[1])
	}
	if len(blocks) != count {
		e.t.Fatalf("%s %s has %d blocks of %s, this test knows %d", path, heading, len(blocks), language, count)
	}
	return blocks
}

// shell runs what a document says, in a folder, as a user does: with kubectl, kustomize, kpt and our function on the PATH, and this
// repository where it is published.
func (e *env) shell(folder, script string) string {
	e.t.Helper()
	command := exec.CommandContext(e.ctx, "bash", "-eu", "-o", "pipefail", "-c", script)
	command.Dir = folder
	command.Env = append(tool.Env(e.t), "KUBECONFIG="+e.Kubeconfig(),
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url."+filepath.Dir(e.repository())+"/.insteadOf", "GIT_CONFIG_VALUE_0=https://github.com/registry-cache/")
	output, err := command.CombinedOutput()
	if err != nil {
		e.t.Fatalf("%s\nfailed: %v\n%s", script, err, output)
	}
	return string(output)
}

// published are the folders that users have of the repository.
var published = []string{"bases", "overlays", "scripts"}

// repository commits them as they are now, and returns the folder.
func (e *env) repository() string {
	e.t.Helper()
	folder := filepath.Join(e.t.TempDir(), "registry-cache.git")
	e.copyPublished(folder)
	command := exec.CommandContext(e.ctx, "sh", "-eu", "-c",
		"git init --quiet --initial-branch main && git add --all && git -c user.name=test -c user.email=test@example.com commit --quiet --message test")
	command.Dir = folder
	command.Env = tool.Env(e.t)
	output, err := command.CombinedOutput()
	if err != nil {
		e.t.Fatalf("making a repository: %v\n%s", err, output)
	}
	return folder
}

func (e *env) copyPublished(folder string) {
	e.t.Helper()
	for _, name := range published {
		e.must(os.CopyFS(filepath.Join(folder, name), os.DirFS(filepath.Join(tool.Root(e.t), name))))
	}
}

func (e *env) write(folder, name, content string) {
	e.t.Helper()
	path := filepath.Join(folder, name)
	e.must(os.MkdirAll(filepath.Dir(path), 0o755))
	e.must(os.WriteFile(path, []byte(content), 0o600))
}
