package program

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
)

// TestFlag: our own program unless another is asked for, and none that does not exist.
func TestFlag(t *testing.T) {
	for _, c := range []struct {
		args []string
		want fnv1alpha1.Registry
	}{
		{nil, fnv1alpha1.RegistryCache},
		{[]string{"--registry=registry-cache"}, fnv1alpha1.RegistryCache},
		{[]string{"--registry=distribution"}, fnv1alpha1.RegistryDistribution},
		{[]string{"--registry=zot"}, ""},
		{[]string{"--registry="}, ""},
	} {
		var o Option
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		o.AddFlags(flags)
		if err := flags.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		err := o.Complete()
		switch {
		case c.want == "" && (err == nil || !strings.Contains(err.Error(), "--registry")):
			t.Errorf("%q: want an error that names the flag, got %v", c.args, err)
		case c.want != "" && (err != nil || o.Registry() != c.want):
			t.Errorf("%q: want %s, got %s and %v", c.args, c.want, o.Registry(), err)
		}
	}
}
