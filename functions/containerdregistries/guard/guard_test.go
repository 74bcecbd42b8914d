package guard

import (
	"slices"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/scripts"
)

var registries = []Registry{
	{Upstream: "docker.io", Endpoint: "HTTP://10.4.0.10:5000/", Server: "https://registry-1.docker.io"},
	{Upstream: "r.io:5000", Endpoint: "https://[2a05::1]:5000", Server: "http://r.io:5000/"},
}

// TestUnit: the unit is the file of scripts, with arguments at the end of one line and nothing else changed.
func TestUnit(t *testing.T) {
	arguments, err := Arguments(registries, CABundlePath)
	if err != nil {
		t.Fatal(err)
	}
	unit, err := Unit(arguments)
	if err != nil {
		t.Fatal(err)
	}
	const with = " --ca-file /etc/containerd/certs.d/ca-bundle.pem docker.io,http://10.4.0.10:5000,https://registry-1.docker.io" +
		" r.io:5000,https://[2a05::1]:5000,http://r.io:5000"
	file, err := scripts.FS.ReadFile(UnitName)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(unit, with) != 1 || strings.Replace(unit, with, "", 1) != string(file) {
		t.Errorf("want the unit's file with%s, got:\n%s", with, unit)
	}
	if got := Upstreams(unit); !slices.Equal(got, []string{"docker.io", "r.io:5000"}) {
		t.Errorf("the upstreams must be found again, got %q", got)
	}
}

// TestUpstreamsOfTheExistingExtension: its unit had the script at the same place and no options.
func TestUpstreamsOfTheExistingExtension(t *testing.T) {
	unit := "[Unit]\nAfter=containerd.service\n[Service]\nType=simple\n" +
		"ExecStart=/opt/bin/configure-containerd-registries.sh docker.io,http://10.4.0.10:5000,https://registry-1.docker.io quay.io,http://10.4.0.11:5000,https://quay.io"
	if got := Upstreams(unit); !slices.Equal(got, []string{"docker.io", "quay.io"}) {
		t.Errorf("got %q", got)
	}
	if got := Upstreams("ExecStart=/usr/bin/other a.io,b,c\n"); got != nil {
		t.Errorf("another program has none, got %q", got)
	}
}

// TestArgumentsThatBreakOut: what a config's validation should have refused is refused here again.
func TestArgumentsThatBreakOut(t *testing.T) {
	for _, bad := range []string{
		"", "a b", "a\nExecStart=/bin/sh", "a%n", "a$HOME", "a${HOME}", "$(A)", "a;b", `a"b`, "a'b", `a\b`, "a#b", "a`b`", "ä", "a\x00b", "a|b", "a>b", "a*b",
	} {
		for _, r := range []Registry{{bad, "http://h:5000", "https://s"}, {"u", bad, "https://s"}, {"u", "http://h:5000", bad}} {
			if bad == "" {
				continue
			}
			if got, err := Arguments([]Registry{r}, ""); err == nil {
				t.Errorf("%q must be refused, got %q", r, got)
			}
		}
		if got, err := Arguments(nil, bad); err == nil && bad != "" {
			t.Errorf("the CA file %q must be refused, got %q", bad, got)
		}
	}
}
