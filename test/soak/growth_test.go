package main

import (
	"testing"
	"time"
)

// TestGrowth has series that grow and others that only go up and down.
func TestGrowth(t *testing.T) {
	began := time.Now()
	for name, c := range map[string]struct {
		series string
		value  func(minute int) float64
		want   int
	}{
		"steady":                  {"cache of " + steady + ", MiB", func(minute int) float64 { return 40 + 10*float64(minute%3) }, 0},
		"a MiB per minute":        {"cache of " + steady + ", MiB", func(minute int) float64 { return 40 + 1.2*float64(minute) }, 1},
		"fills, then stays":       {volumeFiles + docker, func(minute int) float64 { return 300 * float64(min(minute, 4)) }, 0},
		"fills late, then varies": {volumeFiles + docker, func(minute int) float64 { return 40*float64(min(minute, 15)) - 200*float64(minute%2) }, 0},
		"still fills":             {volumeFiles + steady, func(minute int) float64 { return 20 * float64(minute) }, 0},
		"files that stay":         {volumeFiles + docker, func(minute int) float64 { return 300 + 40*float64(minute) }, 1},
		"a file now and then":     {"files in " + certsDir + " of node-0", func(minute int) float64 { return 6 + float64(minute/4) }, 1},
		"a process that stays":    {"guard of node-0, processes", func(minute int) float64 { return 1 + float64(minute/5) }, 1},
		"full for a moment":       {"volume of " + docker + ", % used", func(minute int) float64 { return 80 + 19*float64(minute%15/14) }, 0},
		"above the watermark":     {"volume of " + docker + ", % used", func(int) float64 { return 91 }, 1},
		"none in the last fifth":  {"cache of " + passing + ", open files", func(int) float64 { return 80 }, 0},
		"connections of a client": {"cache of " + passing + ", open files", func(minute int) float64 { return 60 + 4*float64(minute%25) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &soak{samples: &samples{names: []string{c.series}, list: map[string][]value{}}}
			for minute := range 30 {
				if name == "none in the last fifth" && minute >= 24 {
					break
				}
				at := began.Add(time.Duration(minute) * time.Minute)
				s.samples.list[volumeUsed(docker)] = append(s.samples.list[volumeUsed(docker)], value{at, 85})
				s.samples.list[volumeUsed(steady)] = append(s.samples.list[volumeUsed(steady)], value{at, 70})
				s.samples.list[c.series] = append(s.samples.list[c.series], value{began.Add(time.Duration(minute) * time.Minute), c.value(minute)})
			}
			s.judgeGrowth(s.samples.growths(began, began.Add(30*time.Minute)))
			if len(s.faults) != c.want {
				t.Errorf("got faults %q, want %d", s.faults, c.want)
			}
		})
	}
}
