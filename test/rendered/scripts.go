package rendered

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/registry-cache/registry-cache/scripts"
)

// scriptsHash is the annotation of the node configurator that changes with the guard.
var scriptsHash = regexp.MustCompile(`(\.gardener\.cloud/scripts-hash: )"?[0-9a-f]{8}"?`)

// WithoutScripts puts a word in the place of each script's content in YAML, and of the hash of it, so that golden files show
// where a script goes and do not change with every edit of it. What is not exactly the script stays.
func WithoutScripts(text string) string {
	for _, name := range []string{"clean-containerd-registries.sh", "configure-containerd-registries.sh"} {
		script, err := scripts.FS.ReadFile(name)
		if err == nil {
			text = withoutScript(text, name, string(script))
			text = strings.ReplaceAll(text, base64.StdEncoding.EncodeToString(script), "<base64 of scripts/"+name+">")
		}
	}
	text = withoutUnit(text)
	return scriptsHash.ReplaceAllString(text, "$1<hash of the scripts>")
}

func withoutScript(text, name, script string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, name+": |\n")
		if !found {
			return out.String() + text
		}
		indent := strings.Repeat(" ", len(before)-strings.LastIndexByte(before, '\n')-1) + "  "
		block := indented(script, indent)
		out.WriteString(before)
		text = after
		if rest, isScript := strings.CutPrefix(after, block); isScript {
			out.WriteString(name + ": <scripts/" + name + ">\n")
			text = rest
		} else {
			out.WriteString(name + ": |\n")
		}
	}
}

const unitName, execStart = "configure-containerd-registries.service", "ExecStart=/opt/bin/configure-containerd-registries.sh"

// withoutUnit leaves of the guard's unit, in the content of an OperatingSystemConfig's, only the line that differs.
func withoutUnit(text string) string {
	unit, err := scripts.FS.ReadFile(unitName)
	head, tail, found := strings.Cut(string(unit), execStart+"\n")
	if err != nil || !found {
		return text
	}
	for _, indent := range []string{"      ", "        "} { // of a list of items, and of a ResourceList
		text = strings.ReplaceAll(text, indented(head, indent)+indent+execStart, indent+"<scripts/"+unitName+" with>\n"+indent+execStart)
		text = strings.ReplaceAll(text, "\n"+indented(tail, indent), "\n")
	}
	return text
}

// indented is how YAML writes a text below a key.
func indented(text, indent string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			out.WriteString(indent)
		}
		out.WriteString(line)
	}
	return out.String()
}
