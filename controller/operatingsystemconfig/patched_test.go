package operatingsystemconfig_test

import (
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/controller/operatingsystemconfig"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/guard"
)

var update = flag.Bool("update", false, "write the expected OperatingSystemConfigs anew")

// TestPatched: each folder of testdata has what is in a seed and an OperatingSystemConfig, and what the webhooks of the
// Extensions there make of it, the cache's first. Asked again, they change nothing.
func TestPatched(t *testing.T) {
	for _, name := range cases(t) {
		t.Run(name, func(t *testing.T) {
			s, osc := load(t, name), readOSC(t, name)
			for _, extension := range []string{operatingsystemconfig.CacheName, operatingsystemconfig.MirrorName} {
				if s.has(extension) {
					osc = apply(t, s.ask(t, extension, osc), osc)
				}
			}
			compare(t, filepath.Join("testdata", name, "expected.yaml"), osc)
			for extension := range factories {
				if !s.has(extension) {
					continue
				}
				if again := s.ask(t, extension, osc); !again.Allowed || again.Patch != nil || again.PatchType != nil {
					t.Errorf("%s must leave its own output as it is, got %v and a patch of %d bytes", extension, again.Result, len(again.Patch))
				}
			}
		})
	}
}

func cases(t *testing.T) (names []string) {
	t.Helper()
	folders, err := filepath.Glob("testdata/*/objects.yaml")
	if err != nil || len(folders) == 0 {
		t.Fatal("no case found", err)
	}
	for _, folder := range folders {
		names = append(names, filepath.Base(filepath.Dir(folder)))
	}
	return names
}

// compare holds an OperatingSystemConfig against a golden file, in which a few words stand for the script, whose content is no
// business of the webhook's.
func compare(t *testing.T, file string, osc []byte) {
	t.Helper()
	script, err := guard.Script()
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.JSONToYAML([]byte(strings.ReplaceAll(string(osc), base64.StdEncoding.EncodeToString(script), "the script of the guard")))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("the OperatingSystemConfig differs from %s (-want +got):\n%s", file, diff)
	}
}
