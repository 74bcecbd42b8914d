package app

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// Settings are what the program has beyond the configuration file of distribution's registry. None is needed: the stock
// registry can be replaced by this program, and the other way round, without a change.
type Settings struct {
	// CredentialsDirectory holds the files username and password for the upstream; it need not exist.
	CredentialsDirectory string
	// HighWatermark and LowWatermark are percentages of the volume: eviction begins above the one and ends below the other.
	HighWatermark, LowWatermark int
	// ReserveBytes is kept free whatever the percentages say; 0 leaves it to the keeper.
	ReserveBytes int64
}

// The environment variables that stand in for flags. They must not begin with REGISTRY_, which is configuration.
const (
	credentialsVariable   = "CACHE_CREDENTIALS_DIRECTORY"
	highWatermarkVariable = "CACHE_HIGH_WATERMARK"
	lowWatermarkVariable  = "CACHE_LOW_WATERMARK"
	reserveVariable       = "CACHE_RESERVE_BYTES"
)

const (
	defaultCredentials   = "/etc/distribution/credentials"
	defaultHighWatermark = 90
	defaultLowWatermark  = 80
	defaultReserve       = 0
)

// addFlags adds the flags. A flag that is not given has the value of its environment variable, which is checked like the flag.
func (s *Settings) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&s.CredentialsDirectory, "credentials-directory", defaultCredentials,
		"folder with the files username and password for the upstream, read again when they change ($"+credentialsVariable+")")
	flags.IntVar(&s.HighWatermark, "high-watermark", defaultHighWatermark,
		"percentage of the volume in use above which content is evicted ($"+highWatermarkVariable+")")
	flags.IntVar(&s.LowWatermark, "low-watermark", defaultLowWatermark,
		"percentage of the volume in use at which eviction ends ($"+lowWatermarkVariable+")")
	flags.Int64Var(&s.ReserveBytes, "reserve-bytes", defaultReserve,
		"bytes of the volume that are kept free whatever the watermarks say; 0 is 1 GiB or 5 % of it, whatever is less ($"+reserveVariable+")")
}

// complete takes what flags do not say from the environment, and checks all of it.
func (s *Settings) complete(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var faults []error
	for _, setting := range []struct{ flag, variable string }{
		{"credentials-directory", credentialsVariable},
		{"high-watermark", highWatermarkVariable},
		{"low-watermark", lowWatermarkVariable},
		{"reserve-bytes", reserveVariable},
	} {
		value, ok := lookup(setting.variable)
		if !ok || flags.Changed(setting.flag) {
			continue
		}
		if err := flags.Set(setting.flag, value); err != nil {
			faults = append(faults, fmt.Errorf("reading $%s: %w", setting.variable, err))
		}
	}
	if s.HighWatermark < 1 || s.HighWatermark > 100 {
		faults = append(faults, fmt.Errorf("high-watermark ($%s) must be a percentage from 1 to 100, got %d", highWatermarkVariable, s.HighWatermark))
	}
	if s.LowWatermark < 1 || s.LowWatermark > s.HighWatermark {
		faults = append(faults, fmt.Errorf("low-watermark ($%s) must be a percentage from 1 to high-watermark, which is %d, got %d",
			lowWatermarkVariable, s.HighWatermark, s.LowWatermark))
	}
	if s.ReserveBytes < 0 {
		faults = append(faults, fmt.Errorf("reserve-bytes ($%s) must not be negative, got %d", reserveVariable, s.ReserveBytes))
	}
	return errors.Join(faults...)
}
