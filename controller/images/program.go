package images

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// goSettings is what of a caller's Go environment would change a program; GO386 and the like are for platforms that no image
// has.
var goSettings = []string{"CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off", "GOWORK=off"}

// compile builds a static program for a platform and returns it. It fails with what the compiler says.
func compile(ctx context.Context, root, program string, platform v1.Platform) ([]byte, error) {
	folder, err := os.MkdirTemp("", "images-")
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", program, err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	output := filepath.Join(folder, path.Base(program))
	// The commit is in the image's labels. In the program it would make another program of every commit.
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", output, program)
	command.Dir = root
	command.Env = append(os.Environ(), goSettings...)
	command.Env = append(command.Env, "GOOS="+platform.OS, "GOARCH="+platform.Architecture)
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("compiling %s for %s: %w\n%s", program, platform, err, strings.TrimSpace(said.String()))
	}
	return os.ReadFile(output)
}
