package main

import (
	"strings"

	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	mirror "github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	registry "github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// apiPackage is the import path below which all API types live.
const apiPackage = "github.com/registry-cache/registry-cache/functions/api/"

// kind is one kind of the API in all its versions.
type kind struct {
	group    string
	name     string
	folder   string // of its Go packages, below apiPackage
	versions []string
	// function says that the kind is a functionConfig, so it may carry metadata and gets a KRMFunctionDefinition.
	function bool
	tags     []string
}

var (
	registryConfig = kind{
		group: registry.GroupName, name: "RegistryConfig", folder: "registry",
		versions: []string{"v1alpha1", "v1alpha2", "v1alpha3"}, function: true, tags: []string{"generator"},
	}
	kinds = []kind{
		registryConfig,
		{
			group: registry.GroupName, name: "RegistryStatus", folder: "registry",
			versions: []string{"v1alpha1", "v1alpha2", "v1alpha3"},
		},
		{
			group: mirror.GroupName, name: "MirrorConfig", folder: "mirror",
			versions: []string{"v1alpha1"}, function: true, tags: []string{"generator", "mutator"},
		},
		{
			group: functions.GroupName, name: "RegistryCaches", folder: "functions",
			versions: []string{"v1alpha1"}, function: true, tags: []string{"generator"},
		},
		{
			group: functions.GroupName, name: "RegistryCleaner", folder: "functions",
			versions: []string{"v1alpha1"}, function: true, tags: []string{"generator"},
		},
		{
			group: functions.GroupName, name: "ContainerdRegistries", folder: "functions",
			versions: []string{"v1alpha1"}, function: true, tags: []string{"generator", "mutator"},
		},
	}
)

// file is the kind's part of a file name.
func (k kind) file() string { return strings.ToLower(k.name) }

// apiVersion is "<group>/<version>".
func (k kind) apiVersion(version string) string { return k.group + "/" + version }

// goType is the name that openapi-gen gives the type of a version.
func (k kind) goType(version string) string {
	return apiPackage + k.folder + "/" + version + "." + k.name
}
