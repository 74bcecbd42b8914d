package keeper

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// defaultReserve and its part of a small volume are free whatever the watermarks say.
const (
	defaultReserve     = 1 << 30
	defaultReservePart = 20
)

// volume is the state of the volume, as df counts: what is kept for root is not there.
type volume struct {
	capacity, free     int64 // bytes
	inodes, freeInodes int64 // 0 and 0 on file systems that do not count them
}

func statfs(root string) (volume, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(root, &s); err != nil {
		return volume{}, fmt.Errorf("measuring the volume: %w", err)
	}
	unit := s.Frsize
	if unit == 0 {
		unit = s.Bsize
	}
	return volume{
		capacity:   int64(s.Blocks-s.Bfree+s.Bavail) * unit, //nolint:gosec // no volume has 8 EiB
		free:       int64(s.Bavail) * unit,                  //nolint:gosec // no volume has 8 EiB
		inodes:     int64(s.Files),                          //nolint:gosec // as many as there are
		freeInodes: int64(s.Ffree),                          //nolint:gosec // as many as there are
	}, nil
}

// limits say when to remove blobs and when to stop.
type limits struct {
	high, low float64
	reserve   int64
}

// free returns how many bytes of a volume must be free, and how many are to be free once blobs were removed.
func (l limits) free(capacity int64) (least, wanted int64) {
	reserve := l.reserve
	if reserve <= 0 {
		reserve = min(defaultReserve, capacity/defaultReservePart)
	}
	reserve = min(reserve, capacity/2)
	return max(part(capacity, 1-l.high), reserve), max(part(capacity, 1-l.low), reserve+part(capacity, l.high-l.low))
}

func part(whole int64, fraction float64) int64 { return int64(float64(whole) * fraction) }

// need is what is missing.
type need struct{ bytes, inodes int64 }

func (n need) none() bool { return n.bytes <= 0 && n.inodes <= 0 }

// need returns what is to be made free; when a write has just failed, that is more than when none has.
func (l limits) need(v volume, failed bool) need {
	var n need
	if least, wanted := l.free(v.capacity); v.free < least || failed {
		n.bytes = wanted - v.free
	}
	if v.inodes == 0 {
		return n
	}
	if v.freeInodes < part(v.inodes, 1-l.high) || failed {
		n.inodes = part(v.inodes, 1-l.low) - v.freeInodes
	}
	return n
}
