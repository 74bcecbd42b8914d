// Package registryconfig writes the config.yml of the registry (github.com/distribution/distribution/v3) that a cache
// runs. The file is encoded from types, never from a text template, so that no user name or password can break out of it.
package registryconfig

import (
	"fmt"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// The places of the TLS key pair in the cache's container.
const (
	CertificatePath = "/etc/distribution/certs/tls.crt"
	KeyPath         = "/etc/distribution/certs/tls.key"
)

// Values are what differs from cache to cache.
type Values struct {
	// RemoteURL is the upstream's URL.
	RemoteURL string
	// TTL is how long content is kept; 0 keeps it for ever.
	TTL time.Duration
	// Username and Password are sent to the upstream; both empty for none.
	Username, Password string
	// TLS serves https with the key pair at CertificatePath and KeyPath.
	TLS bool
}

// file has the keys of config.yml that a cache uses, as distribution's configuration.Configuration reads them. There is
// no blobdescriptor cache: with a proxy it answers expired blobs with empty bodies (distribution#2367, #4191). Deletion is
// always on, for without it nothing that expires is freed (distribution#4249). Fields stand in the order of their keys.
type file struct {
	Health  health  `yaml:"health"`
	HTTP    http    `yaml:"http"`
	Log     log     `yaml:"log"`
	Proxy   proxy   `yaml:"proxy"`
	Storage storage `yaml:"storage"`
	Version string  `yaml:"version"`
}

type log struct {
	Fields map[string]string `yaml:"fields"`
}

type storage struct {
	Delete     enabled    `yaml:"delete"`
	Filesystem filesystem `yaml:"filesystem"`
	Tag        tag        `yaml:"tag"`
}

type enabled struct {
	Enabled bool `yaml:"enabled"`
}

type filesystem struct {
	RootDirectory string `yaml:"rootdirectory"`
}

type tag struct {
	ConcurrencyLimit int `yaml:"concurrencylimit"`
}

type http struct {
	Addr         string              `yaml:"addr"`
	Debug        debug               `yaml:"debug"`
	DrainTimeout string              `yaml:"draintimeout"`
	Headers      map[string][]string `yaml:"headers"`
	TLS          *tls                `yaml:"tls,omitempty"`
}

type debug struct {
	Addr       string     `yaml:"addr"`
	Prometheus prometheus `yaml:"prometheus"`
}

type prometheus struct {
	Enabled bool   `yaml:"enabled"`
	Path    string `yaml:"path"`
}

type tls struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

type health struct {
	StorageDriver storageDriver `yaml:"storagedriver"`
}

type storageDriver struct {
	Enabled   bool   `yaml:"enabled"`
	Interval  string `yaml:"interval"`
	Threshold int    `yaml:"threshold"`
}

type proxy struct {
	Password  secret `yaml:"password,omitempty"`
	RemoteURL string `yaml:"remoteurl"`
	TTL       string `yaml:"ttl"`
	Username  secret `yaml:"username,omitempty"`
}

// secret is always written in double quotes, on one line, with escapes: of YAML's styles the one in which no content (a
// line break, a leading blank, "null") needs a rule of its own.
type secret string

// MarshalYAML implements yaml.Marshaler.
func (s secret) MarshalYAML() (any, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Style: yaml.DoubleQuotedStyle, Value: string(s)}, nil
}

// Marshal returns the config.yml for the values, its keys sorted. User name and password must be UTF-8.
func Marshal(v Values) ([]byte, error) {
	f := file{
		Version: "0.1",
		Log:     log{Fields: map[string]string{"service": "registry"}},
		Storage: storage{
			Delete:     enabled{Enabled: true},
			Filesystem: filesystem{RootDirectory: "/var/lib/registry"},
			Tag:        tag{ConcurrencyLimit: 5},
		},
		HTTP: http{
			Addr:         ":5000",
			Debug:        debug{Addr: ":5001", Prometheus: prometheus{Enabled: true, Path: "/metrics"}},
			DrainTimeout: "25s", // shorter than the pod's grace period of 30s
			Headers:      map[string][]string{"X-Content-Type-Options": {"nosniff"}},
		},
		Health: health{StorageDriver: storageDriver{Enabled: true, Interval: "10s", Threshold: 3}},
		Proxy:  proxy{RemoteURL: v.RemoteURL, TTL: v.TTL.String(), Username: secret(v.Username), Password: secret(v.Password)},
	}
	if v.TLS {
		f.HTTP.TLS = &tls{Certificate: CertificatePath, Key: KeyPath}
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encoding config.yml: %w", err)
	}
	return text, nil
}
