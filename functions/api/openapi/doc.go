// Package openapi holds the OpenAPI definitions of the API types, made by openapi-gen from the types and their comments.
// Only the generator of the JSON Schemas imports it, never the function binary.
package openapi
