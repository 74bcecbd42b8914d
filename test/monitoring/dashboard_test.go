package monitoring

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

// dashboard is what the tests look at of Plutono's model of a dashboard.
type dashboard struct {
	Title, UID string
	Panels     []panel
	Templating struct {
		List []struct{ Name, Datasource, Definition string }
	}
}

type panel struct {
	ID                      int
	Title, Type, Datasource string
	GridPos                 struct{ H, W, X, Y int }
	Targets                 []struct{ Expr, RefID string }
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	data := manifest.Map(object(t, "ConfigMap"), "data")
	if len(data) != 1 {
		t.Fatalf("the ConfigMap must have one dashboard, got %d keys", len(data))
	}
	var d dashboard
	text, _ := data["registry-cache.dashboard.json"].(string)
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("reading the dashboard: %v", err)
	}
	return d
}

// variables are what Plutono replaces in an expression.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1d", "$upstream_host", "docker\\\\.io|ghcr\\\\.io")

// expressions returns the expression of each target as Prometheus gets it, by the panel's title and the target.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			name := "panel:" + strings.ReplaceAll(strings.ToLower(p.Title), " ", "_") + ":" + target.RefID
			if _, ok := all[name]; ok {
				t.Errorf("two panels have the title %q", p.Title)
			}
			all[name] = variables.Replace(target.Expr)
		}
	}
	return all
}

// TestDashboard: what Plutono would not draw, or draw over another panel.
func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	if d.Title != "Registry Caches" || d.UID != "registry-cache" {
		t.Errorf("got title %q and uid %q", d.Title, d.UID)
	}
	for _, v := range d.Templating.List {
		if v.Datasource != "prometheus" || v.Definition == "" {
			t.Errorf("variable %s must ask Prometheus, got %+v", v.Name, v)
		}
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("panel %q has the id %d of another", p.Title, p.ID)
		}
		ids[p.ID] = true
		checkPanel(t, p)
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken || x >= 24 {
					t.Fatalf("panel %q lies over %q or beyond the border", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
}

func checkPanel(t *testing.T, p panel) {
	t.Helper()
	if p.Type == "row" {
		return
	}
	if p.Datasource != "prometheus" || len(p.Targets) == 0 {
		t.Errorf("panel %q must ask Prometheus, got datasource %q and %d targets", p.Title, p.Datasource, len(p.Targets))
	}
	refs := map[string]bool{}
	for _, target := range p.Targets {
		if refs[target.RefID] || target.RefID == "" {
			t.Errorf("panel %q has two targets %q", p.Title, target.RefID)
		}
		refs[target.RefID] = true
	}
}

// TestExpressionsParse lets Prometheus read the rules, and the panels' expressions as if they were rules.
func TestExpressionsParse(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rules.yaml"), rules(t))
	write(t, filepath.Join(dir, "panels.yaml"), marshal(t, panelRules(t)))
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "panels.yaml"))
}

// panelRules returns a file of rules that record what the panels show, as "panel:title_of_the_panel:A".
func panelRules(t *testing.T) map[string]any {
	t.Helper()
	var records []any
	for name, expr := range expressions(t) {
		if strings.Contains(expr, "$") && !strings.Contains(expr, `"$1"`) {
			t.Errorf("%s has a variable that Plutono does not replace: %s", name, expr)
		}
		records = append(records, map[string]any{"record": name, "expr": expr})
	}
	return map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": records}}}
}
