package livecluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kubectl runs kubectl as a user does, with an input, and returns what it printed on its standard output.
func (c *Cluster) Kubectl(ctx context.Context, input string, args ...string) (string, error) {
	return c.pipe(ctx, input, filepath.Join("bin", "tools", "kubectl"), args...)
}

// Render lets registry-cache-fn render a config.
func (c *Cluster) Render(ctx context.Context, config []byte) (string, error) {
	file, err := os.CreateTemp(c.dir, "config-*.yaml")
	if err != nil {
		return "", fmt.Errorf("writing a config: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.Write(config); err != nil {
		return "", fmt.Errorf("writing a config: %w", err)
	}
	if err := file.Close(); err != nil {
		return "", fmt.Errorf("writing a config: %w", err)
	}
	return c.pipe(ctx, "", filepath.Join("bin", "registry-cache-fn"), file.Name())
}

// pipe runs a program of the repository's at its root.
func (c *Cluster) pipe(ctx context.Context, input, program string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.root, program), args...)
	command.Dir = c.root
	command.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig(), "HOME="+c.dir)
	command.Stdin = strings.NewReader(input)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return string(output), fmt.Errorf("running %s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, complaints.String())
	}
	return string(output), nil
}
