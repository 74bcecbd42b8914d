package app

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/distribution/distribution/v3/configuration"
)

// What the program tells itself as a credential helper, whose arguments and input distribution decides.
const (
	helperDirectoryVariable = "CACHE_HELPER_DIRECTORY"
	helperConfigVariable    = "CACHE_HELPER_CONFIG"
)

// credentialsLifetime is how long a rotation may take to be noticed.
const credentialsLifetime = time.Minute

// useCredentials makes distribution ask this program for credentials, from the files or from the configuration, and says
// whether there are any. Without a helper distribution would ask the upstream for its token service when it starts, and
// panic if the upstream does not answer.
func useCredentials(config *configuration.Configuration, configPath, directory string, setenv func(key, value string) error) (bool, error) {
	if config.Proxy.Exec != nil {
		return true, nil // somebody else's helper
	}
	program, err := os.Executable()
	if err != nil {
		return false, fmt.Errorf("finding this program: %w", err)
	}
	helper := &configuration.ExecConfig{Command: program}
	if info, err := os.Stat(directory); err == nil && info.IsDir() {
		lifetime := credentialsLifetime
		helper.Lifetime = &lifetime
		err = setenv(helperDirectoryVariable, directory)
		config.Proxy.Exec = helper
		return true, err
	}
	if config.Proxy.Username == "" && config.Proxy.Password == "" {
		return false, nil
	}
	if configPath, err = filepath.Abs(configPath); err != nil {
		return false, fmt.Errorf("finding configuration: %w", err)
	}
	config.Proxy.Exec = helper
	return true, setenv(helperConfigVariable, configPath)
}

// answer writes what a credential helper answers to "get".
func answer(out io.Writer, getenv func(string) string) error {
	var username, password string
	var err error
	if directory := getenv(helperDirectoryVariable); directory != "" {
		username, password, err = readCredentials(directory)
	} else {
		username, password, err = configuredCredentials(getenv(helperConfigVariable))
	}
	if err != nil {
		return err
	}
	// https://github.com/docker/docker-credential-helpers
	return json.NewEncoder(out).Encode(map[string]string{"Username": username, "Secret": password})
}

func configuredCredentials(path string) (username, password string, err error) {
	config, err := readConfig(path)
	if err != nil {
		return "", "", err
	}
	return config.Proxy.Username, config.Proxy.Password, nil
}

// readCredentials reads both files of one version of a mounted Secret: a kubelet replaces all of them at once, by the
// symbolic link ..data.
func readCredentials(directory string) (username, password string, err error) {
	const attempts = 5
	for range attempts {
		before := generation(directory)
		if username, err = readFile(directory, "username"); err != nil {
			continue
		}
		if password, err = readFile(directory, "password"); err != nil {
			continue
		}
		if generation(directory) == before {
			return username, password, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("reading credentials in %s: they change all the time", directory)
	}
	return "", "", err
}

func generation(directory string) string {
	target, err := os.Readlink(filepath.Join(directory, "..data"))
	if err != nil {
		return "" // not mounted by a kubelet
	}
	return target
}

func readFile(directory, name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(directory, name))
	if err != nil {
		return "", fmt.Errorf("reading credentials: %w", err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}
