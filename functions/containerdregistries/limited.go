package containerdregistries

import (
	"crypto/sha256"
	"encoding/hex"
)

// maxFileName is how long the name of a file may be on Linux.
const maxFileName = 255

// limited returns name and suffix, cut to a length: a longer name ends in a part of the SHA-256 of what it was made of.
func limited(name, suffix string, length int, origin string) string {
	if len(name)+len(suffix) <= length {
		return name + suffix
	}
	tail := "-" + hash([]byte(origin))[:5] + suffix
	return name[:length-len(tail)] + tail
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
