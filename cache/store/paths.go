package store

import (
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
)

// The layout of distribution's store, which has no exported name there (registry/storage/paths.go).
const (
	root             = "/docker/registry/v2"
	blobsRoot        = root + "/blobs"
	repositoriesRoot = root + "/repositories"
	dataFile         = "data"
	linkFile         = "link"
)

// Kind says what a path of the store is.
type Kind int

// The kinds of paths. Folders above these are Other.
const (
	Other        Kind = iota
	BlobData          // blobs/<algorithm>/<two digits>/<hex>/data
	LayerLink         // repositories/<name>/_layers/<algorithm>/<hex>/link
	RevisionLink      // repositories/<name>/_manifests/revisions/<algorithm>/<hex>/link
	TagCurrent        // repositories/<name>/_manifests/tags/<tag>/current/link
	TagIndex          // repositories/<name>/_manifests/tags/<tag>/index/<algorithm>/<hex>/link
	Upload            // repositories/<name>/_uploads/<id> and what is in it
)

// Location is a path of the store, taken apart.
type Location struct {
	Kind       Kind
	Repository string        // of links and uploads
	Tag        string        // of TagCurrent and TagIndex
	Digest     digest.Digest // of blobs and links; of TagCurrent only when the content of the link is known
	ID         string        // of uploads
	File       string        // of uploads: what follows the id, or empty
}

// Parse takes a path apart, as the driver sees it: absolute below the root directory.
func Parse(p string) Location {
	if rest, ok := strings.CutPrefix(p, blobsRoot+"/"); ok {
		return parseBlob(strings.Split(rest, "/"))
	}
	if rest, ok := strings.CutPrefix(p, repositoriesRoot+"/"); ok {
		return parseRepository(strings.Split(rest, "/"))
	}
	return Location{}
}

func parseBlob(parts []string) Location {
	if len(parts) != 4 || parts[3] != dataFile {
		return Location{}
	}
	return withDigest(Location{Kind: BlobData}, parts[0], parts[2])
}

// parseRepository looks for the first folder with an underscore: no component of a repository's name begins with one.
func parseRepository(parts []string) Location {
	for i, part := range parts {
		if i == 0 || !strings.HasPrefix(part, "_") {
			continue
		}
		location := Location{Repository: path.Join(parts[:i]...)}
		switch rest := parts[i+1:]; part {
		case "_layers":
			return parseLink(location, LayerLink, rest)
		case "_manifests":
			return parseManifests(location, rest)
		case "_uploads":
			if len(rest) > 0 {
				location.Kind, location.ID, location.File = Upload, rest[0], path.Join(rest[1:]...)
				return location
			}
		}
		break
	}
	return Location{}
}

func parseManifests(location Location, parts []string) Location {
	switch {
	case len(parts) > 1 && parts[0] == "revisions":
		return parseLink(location, RevisionLink, parts[1:])
	case len(parts) == 4 && parts[0] == "tags" && parts[2] == "current" && parts[3] == linkFile:
		location.Kind, location.Tag = TagCurrent, parts[1]
		return location
	case len(parts) > 3 && parts[0] == "tags" && parts[2] == "index":
		location.Tag = parts[1]
		return parseLink(location, TagIndex, parts[3:])
	}
	return Location{}
}

func parseLink(location Location, kind Kind, parts []string) Location {
	if len(parts) != 3 || parts[2] != linkFile {
		return Location{}
	}
	location.Kind = kind
	return withDigest(location, parts[0], parts[1])
}

func withDigest(location Location, algorithm, encoded string) Location {
	location.Digest = digest.NewDigestFromEncoded(digest.Algorithm(algorithm), encoded)
	if location.Digest.Validate() != nil {
		return Location{}
	}
	return location
}

// IsLink says whether the path is that of a link, the content of which is a digest.
func (l Location) IsLink() bool {
	return l.Kind == LayerLink || l.Kind == RevisionLink || l.Kind == TagCurrent || l.Kind == TagIndex
}

// Path is the reverse of Parse; empty for Other.
func (l Location) Path() string {
	repository := path.Join(repositoriesRoot, l.Repository)
	switch l.Kind {
	case BlobData:
		return path.Join(BlobFolder(l.Digest), dataFile)
	case LayerLink:
		return path.Join(repository, "_layers", digestPath(l.Digest), linkFile)
	case RevisionLink:
		return path.Join(repository, "_manifests", "revisions", digestPath(l.Digest), linkFile)
	case TagCurrent:
		return path.Join(repository, "_manifests", "tags", l.Tag, "current", linkFile)
	case TagIndex:
		return path.Join(repository, "_manifests", "tags", l.Tag, "index", digestPath(l.Digest), linkFile)
	case Upload:
		return path.Join(repository, "_uploads", l.ID, l.File)
	case Other:
	}
	return ""
}

// BlobFolder is the folder of a blob, which holds its data file and nothing else.
func BlobFolder(dgst digest.Digest) string {
	return path.Join(blobsRoot, dgst.Algorithm().String(), dgst.Encoded()[:2], dgst.Encoded())
}

func digestPath(dgst digest.Digest) string {
	return path.Join(dgst.Algorithm().String(), dgst.Encoded())
}

// folder is the folder of an upload.
func (l Location) folder() string {
	return Location{Kind: Upload, Repository: l.Repository, ID: l.ID}.Path()
}
