package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

const (
	// indent is where everything below a step's headline begins.
	indent = "     "
	// clearLine goes back to the beginning of a terminal's line and empties it.
	clearLine = "\r\x1b[K"
	barLength = 30
)

// screen is where the demo writes. On a terminal the progress line is drawn over and over and vanishes at its end;
// elsewhere it is a plain line now and then.
type screen struct {
	out      io.Writer
	terminal bool
	steps    int
}

// printf writes. A screen that is gone is no reason to fail.
func (s *screen) printf(format string, values ...any) {
	_, _ = fmt.Fprintf(s.out, format, values...)
}

// step begins a numbered step.
func (s *screen) step(format string, values ...any) {
	s.steps++
	s.printf("\n%2d  %s\n", s.steps, fmt.Sprintf(format, values...))
}

// note writes one line of a step.
func (s *screen) note(format string, values ...any) {
	s.printf(indent+format+"\n", values...)
}

// table writes rows with aligned columns.
func (s *screen) table(rows ...[]string) {
	w := tabwriter.NewWriter(s.out, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(w, indent+strings.Join(row, "\t"))
	}
	_ = w.Flush()
}

// during does some work behind a progress line. The work reports the bytes it has done; a total of 0 means that it is
// not measured in bytes.
func (s *screen) during(what string, total int64, work func(done func(bytes int64)) error) error {
	var bytes atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		s.progress(what, total, &bytes, stop)
	}()
	err := work(func(n int64) { bytes.Add(n) })
	close(stop)
	<-stopped
	return err
}

func (s *screen) progress(what string, total int64, bytes *atomic.Int64, stop <-chan struct{}) {
	every, begin, end := 500*time.Millisecond, indent+"... ", "\n"
	if s.terminal {
		every, begin, end = 80*time.Millisecond, clearLine+indent, ""
		defer s.printf(clearLine)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for first := true; ; first = false {
		if first || s.terminal || total > 0 { // a plain line that only repeats itself says nothing
			s.printf("%s%s%s%s", begin, what, s.amount(bytes.Load(), total), end)
		}
		select {
		case <-ticker.C:
		case <-stop:
			return
		}
	}
}

// amount says how much of a total is done, on a terminal with a bar.
func (s *screen) amount(done, total int64) string {
	if total == 0 {
		return ""
	}
	text := fmt.Sprintf("  %4.1f of %.1f MB", float64(done)/1e6, float64(total)/1e6)
	if !s.terminal {
		return text
	}
	full := int(min(done, total) * barLength / total) // the image's config is not in the total
	return "  [" + strings.Repeat("#", full) + strings.Repeat(".", barLength-full) + "]" + text
}

// size says a number of bytes.
func size(bytes int64) string {
	if bytes < 100_000 {
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
