package golden

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
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
			checkNoSecret(t, stderr)
			if c.Refused() && stderr == "" {
				t.Error("stderr must say why the input is refused")
			}
			compare(t, stdout, c.Dir, "expected.yaml")
			compare(t, stderr, c.Dir, "stderr.txt")
		})
	}
}

// checkNoSecret looks for the password in what is said, as it is and as a Secret holds it.
func checkNoSecret(t *testing.T, said string) {
	t.Helper()
	for _, text := range []string{password, base64.StdEncoding.EncodeToString([]byte(password))} {
		if strings.Contains(said, text) {
			t.Errorf("a value of a Secret must not appear in a message, got:\n%s", said)
		}
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
