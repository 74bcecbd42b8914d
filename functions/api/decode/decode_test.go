package decode_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	mirror "github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha2"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// faultCase is a text that is decoded into a v1alpha3.RegistryConfig and the faults it must have, each as show renders
// it, in this order.
type faultCase struct {
	name string
	text string
	want []string
}

func runFaultCases(t *testing.T, cases []faultCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			expectFaults(t, decode.Strict([]byte(tc.text), &v1alpha3.RegistryConfig{}, nil), tc.want...)
		})
	}
}

func expectFaults(t *testing.T, faults field.ErrorList, want ...string) {
	t.Helper()
	var got []string
	for _, fault := range faults {
		got = append(got, show(fault))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got faults\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// show renders a fault as "<type> <field>: <message with the refused value>".
func show(fault *field.Error) string {
	return fmt.Sprintf("%s %s", strings.TrimPrefix(string(fault.Type), "FieldValue"), fault.Error())
}

// kinds returns a new struct of each kind that is ever decoded.
func kinds() []any {
	return []any{
		&v1alpha1.RegistryConfig{}, &v1alpha1.RegistryStatus{},
		&v1alpha2.RegistryConfig{}, &v1alpha2.RegistryStatus{},
		&v1alpha3.RegistryConfig{}, &v1alpha3.RegistryStatus{},
		&mirror.MirrorConfig{},
		&functions.RegistryCaches{}, &functions.RegistryCleaner{}, &functions.ContainerdRegistries{},
	}
}
