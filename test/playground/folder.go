package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// playground is one of those that may run side by side.
type playground struct {
	name  string
	nodes int
}

// folder is where everything of a running playground is that somebody may want to see.
func (p playground) folder() (string, error) {
	return filepath.Abs(filepath.Join("bin", "playground", p.name))
}

// process returns the id of the process that runs the playground, 0 if none does. The file may be older than the machine's
// last start, so the process must look like it.
func (p playground) process() (int, error) {
	folder, err := p.folder()
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join(folder, "pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for playground %s: %w", p.name, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("looking for playground %s: %w", p.name, err)
	}
	command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // there is none if it has ended
	if strings.Contains(string(command), "\x00serve\x00-name\x00"+p.name+"\x00") {
		return pid, nil
	}
	return 0, nil
}
