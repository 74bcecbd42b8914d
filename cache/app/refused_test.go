package app

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/test/registries"
)

// TestRefused says in the log and in a metric why a cache cannot read, whichever way the upstream wants its credentials.
func TestRefused(t *testing.T) {
	const wrong, none = "the upstream refuses the credentials of this cache", "the upstream does not let this cache read"
	for name, c := range map[string]struct {
		auth        registries.Auth
		credentials bool
		want        string
	}{
		"basic with wrong credentials":  {registries.AuthBasic, true, wrong},
		"bearer with wrong credentials": {registries.AuthBearer, true, wrong},
		"bearer without credentials":    {registries.AuthBearer, false, none},
	} {
		t.Run(name, func(t *testing.T) {
			u := startUpstream(t, registries.UpstreamOptions{
				Auth: c.auth, Username: "reader", Password: "right", Public: func(string) bool { return false },
			})
			p := newProgram(t, u.URL())
			if c.credentials {
				mount(t, filepath.Join(p.folder, "credentials"), "1", "reader", "wr0ng-pa55word")
			}
			p.start()
			for range 3 {
				if err := p.pull("library/demo:1.0"); err == nil {
					t.Fatal("pulled what the upstream does not give")
				}
			}
			metrics := p.metrics()
			p.stop()
			if said := strings.Count(p.log.String(), c.want); said != 1 {
				t.Errorf("%q is %d times in the log:\n%s", c.want, said, p.log.String())
			}
			if !strings.Contains(metrics, `registry_cache_upstream_errors_total{status="401"}`) {
				t.Error("refusals are not counted")
			}
			if refused := !strings.Contains(metrics, "registry_cache_upstream_refused_credentials_total 0"); refused != c.credentials {
				t.Errorf("that the credentials are refused is counted: %v", refused)
			}
			if strings.Contains(p.log.String(), "wr0ng") {
				t.Error("the password is in the log")
			}
		})
	}
}
