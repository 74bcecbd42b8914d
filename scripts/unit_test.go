//go:build node

package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// maxExposure is systemd's own measure, from 0 (nothing reachable) to 10.
const maxExposure = 2.0

// TestUnit: systemd takes the unit without a warning, and rates it as hardened.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("configure-containerd-registries.service")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "configure-containerd-registries.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(dir, "configure-containerd-registries.service")
	// The script is not on this machine, and neither is containerd's unit.
	installed := strings.ReplaceAll(string(text), "/opt/bin/configure-containerd-registries.sh", script+" docker.io,http://10.4.0.10:5000,https://registry-1.docker.io")
	if err := os.WriteFile(unit, []byte(installed), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", unit).CombinedOutput()
	if err != nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	found := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no exposure level in:\n%s", out)
	}
	exposure, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil || exposure > maxExposure {
		t.Errorf("the exposure must be at most %.1f, got %s", maxExposure, found[1])
	}
	t.Logf("exposure %s", found[1])
}

func TestUnitSaysWhatTheDesignSays(t *testing.T) {
	text, err := os.ReadFile("configure-containerd-registries.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"After=containerd.service", "Wants=containerd.service", "Type=simple", "Restart=always", "StartLimitIntervalSec=0",
		"TimeoutStopSec=5", "ReadWritePaths=-/etc/containerd -/run/registry-cache", "WantedBy=multi-user.target",
	} {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("the unit must have the line %s", line)
		}
	}
	if regexp.MustCompile(`(?m)^Requires=`).Match(text) {
		t.Error("Requires= would end the guard for good when containerd is stopped")
	}
}
