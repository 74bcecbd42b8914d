package main

import (
	"math"
	"slices"
	"strings"
	"time"
)

// tolerance is how much more a series may have in the last fifth of a run than in the second.
type tolerance struct {
	prefix, suffix string // of the series' name
	factor, beside float64
}

// tolerances, of which the first that fits counts. No growth is asked for, but all values go up and down. A cache that is started
// again and again has more the longer it has run, connections that are kept above all; the steady one shows what grows.
var tolerances = []tolerance{
	{"cache of " + steady, "goroutines", 1.3, 40},
	{"cache of " + steady, "open files", 1.3, 40},
	{"cache of " + steady, "MiB", 1.15, 10},
	{"cache of ", "goroutines", 1.3, 150},
	{"cache of ", "open files", 1.3, 150},
	{"cache of ", "MiB", 1.3, 30},
	{"guard of ", "processes", 1, 2},
	{"guard of ", "MiB", 1.3, 2},
	{"containerd of ", "MiB", 1.3, 30},
	{"files in " + certsDir, "", 1, 3},
	{"files in " + stateDir, "", 1, 4},
	{volumeFiles, "", 1.1, 50},
	{"volume of ", "", 1, 100}, // see highWatermark
}

const volumeFiles = "files in the volume of "

func toleranceOf(series string) tolerance {
	for _, t := range tolerances {
		if strings.HasPrefix(series, t.prefix) && strings.HasSuffix(series, t.suffix) {
			return t
		}
	}
	panic("no tolerance for " + series)
}

// highWatermark is the percentage of a volume that may be in use before the cache removes content. What is being written at that
// moment comes on top, which is much of so small a volume: most of the time less is in use. A volume with less than lowWatermark
// has never been full.
const (
	highWatermark = 90
	lowWatermark  = 80
	mostOfTheTime = 0.9
)

// growth is one series of a run.
type growth struct {
	series      string
	early, late float64 // of the second and the last fifth
	often, most float64 // what is not exceeded most of the time, and never
}

// growths judges all series.
func (s *samples) growths(began, ended time.Time) (list []growth) {
	s.lock.Lock()
	defer s.lock.Unlock()
	fifth := ended.Sub(began) / 5
	for _, series := range s.names {
		g := growth{
			series: series,
			early:  s.early(series, began, fifth),
			late:   s.median(series, began.Add(4*fifth), ended),
			often:  s.quantile(series, began, ended, mostOfTheTime),
			most:   s.quantile(series, began, ended, 1),
		}
		list = append(list, g)
	}
	return list
}

// early is what the last fifth is compared to: the median of the second one. How many files a volume has depends on when it became
// full and on how large is what it has: it must not have more than ever in the first three fifths, and anything if it was not full
// in these.
func (s *samples) early(series string, began time.Time, fifth time.Duration) float64 {
	upstream, isVolume := strings.CutPrefix(series, volumeFiles)
	if !isVolume {
		return s.median(series, began.Add(fifth), began.Add(2*fifth))
	}
	if s.quantile(volumeUsed(upstream), began, began.Add(3*fifth), 1) < lowWatermark {
		return math.Inf(1)
	}
	return s.quantile(series, began, began.Add(3*fifth), 1)
}

// median is that of the values in some time, not a number if there are none.
func (s *samples) median(series string, from, to time.Time) float64 {
	return s.quantile(series, from, to, 0.5)
}

// quantile returns the smallest value in some time that at least this part of all does not exceed.
func (s *samples) quantile(series string, from, to time.Time, part float64) float64 {
	var values []float64
	for _, v := range s.list[series] {
		if !v.at.Before(from) && !v.at.After(to) {
			values = append(values, v.value)
		}
	}
	if values == nil {
		return math.NaN()
	}
	slices.Sort(values)
	index := int(math.Ceil(part*float64(len(values)))) - 1
	return values[min(max(index, 0), len(values)-1)]
}

// limit is what a series must not exceed in the last fifth.
func (g growth) limit() float64 {
	t := toleranceOf(g.series)
	return g.early*t.factor + t.beside
}

// judgeGrowth notes a fault for each series that grew, and for each volume that was too full.
func (s *soak) judgeGrowth(growths []growth) {
	for _, g := range growths {
		if math.IsNaN(g.early) || math.IsNaN(g.late) {
			if !strings.Contains(g.series, passing) { // whose cache may be away for a fifth of the time
				s.fault("%s was not measured", g.series)
			}
			continue
		}
		if g.late > g.limit() {
			s.fault("%s grew from %.1f to %.1f, above %.1f", g.series, g.early, g.late, g.limit())
		}
		if strings.HasPrefix(g.series, "volume of") && g.often > highWatermark {
			s.fault("%s was above %.1f in a tenth of the time", g.series, g.often)
		}
	}
}
