// Package charts packs the Helm charts of this folder, by which Gardener installs the extension:
//
//   - gardener-extension-registry-cache, on every seed that needs it;
//   - admission/runtime, the admission component in the garden's runtime cluster;
//   - admission/application, its rights in the virtual garden.
//
// The folder registration has what tells Gardener of them, made by controller/charts/generate.
package charts
