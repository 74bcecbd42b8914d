package cluster

import (
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfig returns a kubeconfig with the address and the token of a configuration.
func kubeconfig(config *rest.Config) api.Config {
	const name = "cluster"
	return api.Config{
		Clusters:       map[string]*api.Cluster{name: {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*api.AuthInfo{name: {Token: config.BearerToken}},
		Contexts:       map[string]*api.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}
}

// writeKubeconfig writes a kubeconfig with the address and the token of a configuration into a file.
func writeKubeconfig(config *rest.Config, file string) error {
	if err := clientcmd.WriteToFile(kubeconfig(config), file); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}
