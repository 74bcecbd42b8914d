package keeper

import (
	"encoding/hex"

	"github.com/opencontainers/go-digest"
)

// key is a digest in as few bytes as possible: the hash itself, whose length tells the algorithm.
type key string

var algorithms = map[int]digest.Algorithm{
	digest.SHA256.Size(): digest.SHA256,
	digest.SHA384.Size(): digest.SHA384,
	digest.SHA512.Size(): digest.SHA512,
}

// keyOf returns false for what is no digest.
func keyOf(dgst digest.Digest) (key, bool) {
	if dgst.Validate() != nil {
		return "", false
	}
	return keyFrom(dgst.Algorithm().String(), dgst.Encoded())
}

// keyFrom is keyOf for names of folders.
func keyFrom(algorithm, encoded string) (key, bool) {
	sum, err := hex.DecodeString(encoded)
	if err != nil || algorithms[len(sum)].String() != algorithm || hex.EncodeToString(sum) != encoded {
		return "", false
	}
	return key(sum), true
}

func (k key) digest() digest.Digest {
	return digest.NewDigestFromEncoded(algorithms[len(k)], hex.EncodeToString([]byte(k)))
}
