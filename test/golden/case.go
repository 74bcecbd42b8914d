// Package golden holds the golden cases of the pipeline, and the tests that lead each of them through every door.
//
// A case is a folder of testdata: config.yaml, maybe input.yaml with the items that it refers to, and what the command
// line answers: expected.yaml (stdout) and stderr.txt, each only if it is not empty. "go test ./test/golden -update"
// writes them anew; read the difference before you commit it.
package golden

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Case is one golden case.
type Case struct {
	// Name is the folder's name; that of a case which is refused begins with "errors-".
	Name string
	// Dir is the folder.
	Dir string
	// Config and Input are the content of config.yaml and input.yaml; Input may be empty.
	Config, Input string
}

// Refused says whether the input is at fault.
func (c Case) Refused() bool {
	return strings.HasPrefix(c.Name, "errors-")
}

// Args returns the arguments of the command line when it runs in Dir.
func (c Case) Args() []string {
	if c.Input == "" {
		return []string{"config.yaml"}
	}
	return []string{"config.yaml", "input.yaml"}
}

// Cases returns all cases.
func Cases(t testing.TB) []Case {
	t.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	for _, entry := range entries {
		dir, err := filepath.Abs(filepath.Join("testdata", entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, Case{
			Name: entry.Name(), Dir: dir, Config: read(t, dir, "config.yaml"), Input: read(t, dir, "input.yaml"),
		})
	}
	if len(cases) == 0 {
		t.Fatal("no golden case found")
	}
	return cases
}

// read returns the content of a file, "" if there is none.
func read(t testing.TB, elements ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elements...))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}
