package golden

import (
	"bytes"
	"errors"
	"testing"

	"github.com/registry-cache/registry-cache/functions/door"
)

// password is in every Secret of the cases, and must be in no message.
const password = "s3cr3t-pa55word"

func TestCommandLine(t *testing.T) {
	for _, c := range Cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Chdir(c.Dir)
			stdout, stderr, err := run(c.Args(), nil)
			if refused := errors.Is(err, door.ErrRefused); refused != c.Refused() || err != nil && !refused {
				t.Fatalf("got error %v, want the input refused: %t", err, c.Refused())
			}
			if c.Refused() && stdout != "" {
				t.Errorf("stdout must be empty when the input is refused, got:\n%s", stdout)
			}
			if c.Refused() && stderr == "" {
				t.Error("stderr must say why the input is refused")
			}
			compare(t, stdout, c.Dir, "expected.yaml")
			compare(t, stderr, c.Dir, "stderr.txt")
		})
	}
}

// run calls the command line in-process.
func run(args []string, stdin []byte) (stdout, stderr string, err error) {
	var out, problems bytes.Buffer
	command := door.Command(bytes.NewReader(stdin), &out, &problems)
	command.SetArgs(append([]string{}, args...)) // nil would mean the arguments of the test binary
	err = command.Execute()
	return out.String(), problems.String(), err
}
