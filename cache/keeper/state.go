package keeper

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// stateFile is where distribution keeps when content expires (registry/proxy/scheduler). Its scheduler panics at start when
// it cannot read the file.
const stateFile = "scheduler-state.json"

// invalidSuffix is what an invalid state file is renamed with.
const invalidSuffix = ".invalid"

// The types of entries in distribution's state file.
const (
	blobEntry = iota
	manifestEntry
)

// entry is an entry of distribution's state file, and when the content was fetched, which distribution does not know and
// does not mind: with it a changed TTL applies to content that is there already.
type entry struct {
	Key       string    `json:"Key"` // <repository>@<digest>
	Expiry    time.Time `json:"ExpiryData"`
	EntryType int       `json:"EntryType"`
	Fetched   time.Time `json:"Fetched,omitzero"`
}

// schedule is when a blob was fetched, if that is known, and when it expires.
type schedule struct{ fetched, expires time.Time }

var errInvalidState = errors.New("it is no state of distribution's scheduler")

// readState reads a state file. Without a file there is no schedule. An invalid file is errInvalidState.
func readState(file string) (map[key]schedule, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", stateFile, err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: %w: it is no file", stateFile, errInvalidState)
	}
	schedules, err := decodeState(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", stateFile, err)
	}
	return schedules, nil
}

// decodeState decodes one entry at a time: the whole may have a hundred thousand.
func decodeState(r io.Reader) (map[key]schedule, error) {
	decoder := json.NewDecoder(r)
	start, err := decoder.Token()
	if err != nil {
		return nil, invalid(err)
	}
	schedules := map[key]schedule{}
	if start == nil { // null
		return schedules, atEnd(decoder)
	}
	if start != json.Delim('{') {
		return nil, fmt.Errorf("%w: it does not begin with {", errInvalidState)
	}
	for decoder.More() {
		if _, err := decoder.Token(); err != nil {
			return nil, invalid(err)
		}
		var e entry
		if err := decoder.Decode(&e); err != nil {
			return nil, invalid(err)
		}
		e.addTo(schedules)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, invalid(err)
	}
	return schedules, atEnd(decoder)
}

func atEnd(decoder *json.Decoder) error {
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows it", errInvalidState)
	}
	return nil
}

// invalid tells what is wrong with the content from what is wrong with the disk.
func invalid(err error) error {
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		return err
	}
	return fmt.Errorf("%w: %w", errInvalidState, err)
}

// addTo adds an entry. Of a blob in several repositories, each of which has an entry, the last fetch counts.
func (e entry) addTo(schedules map[key]schedule) {
	_, dgst, _ := strings.Cut(e.Key, "@")
	key, ok := keyOf(digest.Digest(dgst))
	if !ok {
		return
	}
	s := schedules[key]
	if e.Fetched.After(s.fetched) {
		s.fetched = e.Fetched
	}
	if e.Expiry.After(s.expires) {
		s.expires = e.Expiry
	}
	schedules[key] = s
}

// writeState replaces the state file as a whole, or leaves it as it is.
func writeState(file string, entries []entry) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %s: %w", stateFile, err)
		}
	}()
	f, err := os.CreateTemp(filepath.Dir(file), stateFile+".*"+temporarySuffix)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone when all went well
	if err := errors.Join(encodeState(f, entries), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

func encodeState(w io.Writer, entries []entry) error {
	buffer := bufio.NewWriterSize(w, 1<<16)
	separator := "{"
	for _, e := range entries {
		content, err := json.Marshal(e)
		if err != nil {
			return err
		}
		fmt.Fprintf(buffer, "%s%q:%s", separator, e.Key, content) //nolint:errcheck // Flush returns it
		separator = ",\n"
	}
	if separator == "{" {
		buffer.WriteString(separator) //nolint:errcheck // Flush returns it
	}
	buffer.WriteString("}") //nolint:errcheck // Flush returns it
	return buffer.Flush()
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
