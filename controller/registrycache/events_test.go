package registrycache

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestEventsAreShort: the API server refuses a note of more than 1024 bytes, and the event would be lost.
func TestEventsAreShort(t *testing.T) {
	var nodes []string
	for i := range 50 {
		nodes = append(nodes, fmt.Sprintf("shoot--project--cluster-%s-%05d", strings.Repeat("ü", 30), i))
	}
	note := strings.Join(shortened(nodes), ", ")
	if !strings.HasSuffix(note, "and 42 more") {
		t.Errorf("got %q", note)
	}
	long := shorten(strings.Join(nodes, ", "))
	if len(long) > 1024 || !utf8.ValidString(long) || !strings.HasSuffix(long, " ...") {
		t.Errorf("got %d bytes, %q", len(long), long[len(long)-10:])
	}
	if short := "all is well"; shorten(short) != short {
		t.Error("a short text must stay as it is")
	}
}
