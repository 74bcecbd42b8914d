package containerdregistries

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// TestURLs: a cache may have an IPv6 address; nothing else of the brackets' kind gets through.
func TestURLs(t *testing.T) {
	for text, valid := range map[string]bool{
		"http://10.4.0.10:5000": true, "https://[2a05::1]:5000": true, "https://[2a05::1]": true, "https://[2a05::1]:5000/": true,
		"http://name": true, "http://[::ffff:10.0.0.1]:5000": true,
		"http://[10.4.0.10]:5000": false, "http://[fe80::1%25eth0]:5000": false, "http://[2a05::1]5000": false, "http://[2a05::1].evil": false,
		"http://[2a05::1]@evil": false, "http://[2a05::1]:0": false, "http://[2a05::1]:5000/path": false, "http://[2a05::1]:5000?q": false,
		"ftp://[2a05::1]": false, "http://[2a05::1": false, "http://u:p@[2a05::1]": false, "http://[]": false, "[2a05::1]": false, "": false,
	} {
		errs := validateURL(field.NewPath("url"), text, false)
		if (len(errs) == 0) != valid {
			t.Errorf("%q must be valid: %t, got %v", text, valid, errs)
		}
		for _, e := range errs {
			if e.Field != "url" {
				t.Errorf("%q: the fault must be at the field, got %v", text, e)
			}
		}
	}
}
