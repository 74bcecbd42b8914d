package containerdregistries_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/guard"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// The rules of scripts/configure-containerd-registries.sh for its arguments: one that it refuses would end it.
var (
	guardUpstream = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?$`)
	guardURL      = regexp.MustCompile(`^https?://[a-zA-Z0-9.:\[\]-]+$`)
	tomlLine      = regexp.MustCompile(`^(|server = "[!-~]+"|\[host\."[!-~]+"\]|  (capabilities = \["(pull|resolve)"(, "(pull|resolve)")?\]|override_path = true))$`)
)

// FuzzRegistries: no config makes a unit, arguments or a hosts.toml with anything in them but what they should say.
func FuzzRegistries(f *testing.F) {
	for _, seed := range [][3]string{
		{"docker.io", "http://10.4.0.10:5000", "https://registry-1.docker.io"},
		{"r.io:5000", "https://[2a05::1]:5000/", "HTTP://r.io:5000"},
		{"a b", "http://a\nExecStart=/bin/sh", "https://%n$HOME"},
		{"a,b", `http://a"b`, `https://a'b\`}, {"$(A)", "http://[::1]$(A)", "https://[::1%25x]"}, {"..", "http://[", "https://]"},
		{"a", "http://[::1].evil", "http://[::ffff:1.2.3.4]:1"}, {"a", "http://h:5000,x", "https://s d"},
	} {
		for _, probe := range []bool{true, false} {
			f.Add(seed[0], seed[1], seed[2], probe)
		}
	}
	f.Fuzz(func(t *testing.T, upstream, url, server string, probe bool) {
		for _, platform := range []string{"shoot", "standalone"} {
			body, err := json.Marshal(map[string]any{
				"apiVersion": "functions.registry.extensions.gardener.cloud/v1alpha1", "kind": "ContainerdRegistries", "platform": platform,
				"registries": []any{map[string]any{
					"upstream": upstream, "server": server, "probe": probe, "hosts": []any{map[string]any{"url": url}},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			config := input.Config{Kind: "ContainerdRegistries", Body: body}
			objects, patches, list, err := containerdregistries.Render(config, []manifest.Object{bare(t)})
			if err != nil {
				t.Fatalf("a defect: %v", err)
			}
			if list.OrNil() != nil {
				checkAlsoRefused(t, config)
				continue
			}
			if platform == "shoot" {
				checkPatch(t, patches, probe)
			}
			for _, o := range objects {
				checkObject(t, o, probe)
			}
		}
	})
}

func bare(t *testing.T) manifest.Object {
	t.Helper()
	object := manifest.Object{}
	if err := json.Unmarshal(osc(t, containerd), (*map[string]any)(&object)); err != nil {
		t.Fatal(err)
	}
	return object
}

// checkAlsoRefused: the webhook's door has the same rules.
func checkAlsoRefused(t *testing.T, config input.Config) {
	t.Helper()
	_, err := containerdregistries.DesiredOf(config, nil)
	var faults fault.List
	if !errors.As(err, &faults) {
		t.Errorf("DesiredOf must refuse it too, got %v", err)
	}
}

func checkPatch(t *testing.T, patches []containerdregistries.Patch, probe bool) {
	t.Helper()
	if len(patches) != 1 {
		t.Fatalf("got %d patches, want one", len(patches))
	}
	for _, o := range patches[0].Operations {
		if !probe || o.Path != "/spec/units" {
			continue
		}
		unit := o.Value.([]any)[0].(map[string]any)["content"].(string)
		empty, err := guard.Unit(nil)
		if err != nil {
			t.Fatal(err)
		}
		lines, plain := strings.Split(unit, "\n"), strings.Split(empty, "\n")
		if len(lines) != len(plain) {
			t.Fatalf("the unit must have %d lines, got:\n%s", len(plain), unit)
		}
		for i := range lines {
			arguments, extended := strings.CutPrefix(lines[i], plain[i])
			if !extended || arguments != "" && plain[i] != "ExecStart="+guard.ScriptPath {
				t.Errorf("line %d must be %q, got %q", i, plain[i], lines[i])
			}
			if arguments != "" {
				checkArguments(t, strings.Split(strings.TrimPrefix(arguments, " "), " "))
			}
		}
	}
}

func checkArguments(t *testing.T, arguments []string) {
	t.Helper()
	if len(arguments) != 1 {
		t.Fatalf("want one argument, got %q", arguments)
	}
	parts := strings.Split(arguments[0], ",")
	if len(parts) != 3 || !guardUpstream.MatchString(parts[0]) || strings.Contains(parts[0], "..") ||
		!guardURL.MatchString(parts[1]) || !guardURL.MatchString(parts[2]) {
		t.Errorf("the guard would not take the argument %q", arguments[0])
	}
}

func checkObject(t *testing.T, o manifest.Object, probe bool) {
	t.Helper()
	if o.Kind() == "DaemonSet" {
		args, _ := manifest.Named(manifest.Map(o, "spec", "template", "spec")["containers"], "guard")["args"].([]any)
		if probe {
			checkArguments(t, []string{fmt.Sprint(args...)})
		}
		return
	}
	for key, value := range manifest.Map(o, "data") {
		if !strings.HasSuffix(key, "hosts.toml") {
			continue
		}
		text, _ := value.(string)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if i := slices.IndexFunc(lines, func(line string) bool { return !tomlLine.MatchString(line) || strings.Count(line, `"`)%2 != 0 }); i >= 0 {
			t.Errorf("hosts.toml has the line %q", lines[i])
		}
	}
}
