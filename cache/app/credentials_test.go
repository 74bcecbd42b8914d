package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/test/registries"
)

// mount lays out a Secret as a kubelet does, and replaces what is there.
func mount(t *testing.T, directory, generation, username, password string) {
	t.Helper()
	mountFiles(t, directory, generation, map[string][]byte{"username": []byte(username), "password": []byte(password)})
}

func mountFiles(t *testing.T, directory, generation string, files map[string][]byte) {
	t.Helper()
	data := filepath.Join(directory, "..generation-"+generation)
	must(t, os.MkdirAll(data, 0o700))
	for name, content := range files {
		must(t, os.WriteFile(filepath.Join(data, name), content, 0o600))
	}
	next := filepath.Join(directory, "..data_tmp")
	must(t, os.Symlink(filepath.Base(data), next))
	must(t, os.Rename(next, filepath.Join(directory, "..data")))
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(directory, name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestHelper asks the credential helper before and after a rotation.
func TestHelper(t *testing.T) {
	directory := t.TempDir()
	getenv := func(key string) string {
		return map[string]string{helperDirectoryVariable: directory}[key]
	}
	for generation, password := range map[string]string{"1": "first", "2": "\"'\n multi\n\tline: {}", "3": "with newline"} {
		content := password
		if generation == "3" {
			content += "\n"
		}
		mount(t, directory, generation, "_json_key", content)
		var out bytes.Buffer
		must(t, answer(&out, getenv))
		username, got, err := readCredentials(directory)
		if err != nil || username != "_json_key" || got != password {
			t.Errorf("%q, %q, %v", username, got, err)
		}
		if !strings.Contains(out.String(), `"Username":"_json_key"`) {
			t.Errorf("the helper answers %s", out.String())
		}
	}
	must(t, os.Remove(filepath.Join(directory, "password")))
	if err := answer(&bytes.Buffer{}, getenv); err == nil || strings.Contains(err.Error(), "newline") {
		t.Errorf("without a password: %v", err)
	}
}

// TestCredentials pulls from upstreams that want them, with credentials in files and in config.yml.
func TestCredentials(t *testing.T) {
	for name, auth := range map[string]registries.Auth{"basic": registries.AuthBasic, "bearer": registries.AuthBearer} {
		u := startUpstream(t, registries.UpstreamOptions{Auth: auth, Username: "_json_key", Password: "pa'ss: \"word"})
		t.Run(name+" in files", func(t *testing.T) {
			p := newProgram(t, u.URL())
			directory := filepath.Join(p.folder, "credentials")
			mount(t, directory, "1", "_json_key", "pa'ss: \"word")
			p.start()
			must(t, p.pull("library/demo:1.0"))
			p.stop()
			if strings.Contains(p.log.String(), "pa'ss") {
				t.Error("the password is in the log")
			}
		})
		t.Run(name+" in config.yml", func(t *testing.T) {
			p := newProgram(t, u.URL())
			content, err := os.ReadFile(p.config())
			must(t, err)
			content = bytes.Replace(content, []byte("proxy:\n"), []byte("proxy:\n  username: _json_key\n  password: 'pa''ss: \"word'\n"), 1)
			must(t, os.WriteFile(p.config(), content, 0o600))
			p.start()
			must(t, p.pull("library/demo:1.0"))
			p.stop()
		})
	}
}
