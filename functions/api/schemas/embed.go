// Package schemas holds a JSON Schema (draft-07) for each kind and version, named <kind>-<version>.json, for editors and tests.
// The files are made by functions/api/openapi/generate.
package schemas

import "embed"

// Files are the JSON Schemas.
//
//go:embed *.json
var Files embed.FS
