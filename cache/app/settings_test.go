package app

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestSettings: a flag goes before its variable, and what is wrong is said with the name of both.
func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		env    map[string]string
		want   Settings
		faults []string
	}{
		"none":        {want: Settings{"/etc/distribution/credentials", 90, 80, 0}},
		"environment": {env: map[string]string{highWatermarkVariable: "70", lowWatermarkVariable: "60", reserveVariable: "5", credentialsVariable: "/c"}, want: Settings{"/c", 70, 60, 5}},
		"flag first":  {args: []string{"--high-watermark=95"}, env: map[string]string{highWatermarkVariable: "70"}, want: Settings{"/etc/distribution/credentials", 95, 80, 0}},
		"no number":   {env: map[string]string{highWatermarkVariable: "0.9"}, faults: []string{"$CACHE_HIGH_WATERMARK", `"0.9"`}},
		"all at once": {
			env:    map[string]string{highWatermarkVariable: "101", lowWatermarkVariable: "0", reserveVariable: "-1"},
			faults: []string{"$CACHE_HIGH_WATERMARK", "got 101", "$CACHE_LOW_WATERMARK", "got 0", "$CACHE_RESERVE_BYTES", "got -1"},
		},
		"low above high": {args: []string{"--high-watermark=50"}, faults: []string{"$CACHE_LOW_WATERMARK", "which is 50, got 80"}},
	} {
		t.Run(name, func(t *testing.T) {
			var s Settings
			flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
			s.addFlags(flags)
			if err := flags.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			err := s.complete(flags, func(name string) (string, bool) { value, ok := c.env[name]; return value, ok })
			if len(c.faults) == 0 && (err != nil || s != c.want) {
				t.Errorf("got %+v and %v, want %+v", s, err, c.want)
			}
			for _, fault := range c.faults {
				if err == nil || !strings.Contains(err.Error(), fault) {
					t.Errorf("got %v, want %q", err, fault)
				}
			}
		})
	}
}
