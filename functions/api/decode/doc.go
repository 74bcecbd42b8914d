// Package decode reads the YAML or JSON text of a configuration strictly and reports every fault at once, with its field
// path (DESIGN rule 5). It exists because the decoders at hand do one or the other: those of kyaml and
// controller-runtime are lenient, and UnmarshalStrict of sigs.k8s.io/json stops at the first wrong type and knows paths
// only of unknown and duplicate fields.
//
// A text is read into a small generic tree, the tree is held against the Go type by reflection, what is faulty is taken
// out, and the rest goes through sigs.k8s.io/json's UnmarshalStrict, so that an accepted text is always fully decoded.
package decode
