package app

import (
	"strconv"

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

// The environment variables that set a flag's default. They must not begin with REGISTRY_, which is configuration.
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

func (s *Settings) addFlags(flags *pflag.FlagSet, lookup func(string) (string, bool)) {
	flags.StringVar(&s.CredentialsDirectory, "credentials-directory", defaultCredentials,
		"folder with the files username and password for the upstream, read again when they change ($"+credentialsVariable+")")
	flags.IntVar(&s.HighWatermark, "high-watermark", defaultHighWatermark,
		"percentage of the volume in use above which content is evicted ($"+highWatermarkVariable+")")
	flags.IntVar(&s.LowWatermark, "low-watermark", defaultLowWatermark,
		"percentage of the volume in use at which eviction ends ($"+lowWatermarkVariable+")")
	flags.Int64Var(&s.ReserveBytes, "reserve-bytes", defaultReserve,
		"bytes of the volume that are kept free whatever the watermarks say; 0 is 1 GiB or 5 % of it, whatever is less ($"+reserveVariable+")")
	s.setDefaults(lookup)
}

// setDefaults takes defaults from the environment. A number that is none is left to the built-in default.
func (s *Settings) setDefaults(lookup func(string) (string, bool)) {
	if value, ok := lookup(credentialsVariable); ok {
		s.CredentialsDirectory = value
	}
	for variable, target := range map[string]*int{
		highWatermarkVariable: &s.HighWatermark,
		lowWatermarkVariable:  &s.LowWatermark,
	} {
		if value, ok := lookup(variable); ok {
			if number, err := strconv.Atoi(value); err == nil {
				*target = number
			}
		}
	}
	if value, ok := lookup(reserveVariable); ok {
		if number, err := strconv.ParseInt(value, 10, 64); err == nil {
			s.ReserveBytes = number
		}
	}
}
