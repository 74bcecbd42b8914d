package door

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
)

const help = `Renders pull-through registry caches for Kubernetes.

The CONFIG names the upstream registries. Kinds:
  RegistryConfig    registry.extensions.gardener.cloud/v1alpha1, v1alpha2, v1alpha3
                    what a Gardener user writes; rendered for a plain cluster
  RegistryCaches    functions.registry.extensions.gardener.cloud/v1alpha1
                    a RegistryConfig with platform, namespace, image, addresses
  RegistryCleaner   functions.registry.extensions.gardener.cloud/v1alpha1
                    the DaemonSet that withdraws caches from the nodes
  ContainerdRegistries
                    functions.registry.extensions.gardener.cloud/v1alpha1
                    caches and mirrors for containerd on the nodes: patches the
                    OperatingSystemConfigs among the items, or renders a DaemonSet
  MirrorConfig      mirror.extensions.gardener.cloud/v1alpha1
                    the same for mirrors only

INPUT files (or -, stdin) hold objects that the config refers to, such as the Secret
with an upstream's credentials. They are printed along with the generated objects,
unless they have the annotation config.kubernetes.io/local-config.

Without arguments it is a KRM function, as kustomize and kpt run it: it reads a
ResourceList from stdin and writes it to stdout.`

const example = `  # caches.yaml
  apiVersion: registry.extensions.gardener.cloud/v1alpha3
  kind: RegistryConfig
  metadata:
    name: caches
  caches:
  - upstream: docker.io
    volume:
      size: 20Gi

  # print the manifests
  registry-cache-fn caches.yaml

  # write a folder that "kubectl apply -k", Flux, Argo CD and Config Sync take
  registry-cache-fn caches.yaml credentials.yaml -o rendered/`

// Command returns the command line of registry-cache-fn. Its error is ErrRefused if what is wrong has been printed.
func Command(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	var directory string
	cmd := &cobra.Command{
		Use:           "registry-cache-fn [CONFIG.yaml [INPUT.yaml ...]]",
		Short:         "Renders pull-through registry caches for Kubernetes",
		Long:          help,
		Example:       example,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return Files(args, directory, stdin, stdout, stderr)
			case directory != "":
				return errors.New("-o needs a CONFIG: registry-cache-fn CONFIG.yaml -o DIR")
			case isTerminal(stdin):
				return cmd.Help()
			}
			return ResourceList(stdin, stdout, stderr)
		},
	}
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.Flags().StringVarP(&directory, "output", "o", "",
		"write one file per generated object and a kustomization.yaml to `DIR`; removes what it wrote there before")
	return cmd
}

// isTerminal says whether a person, and no ResourceList, is at the other end.
func isTerminal(stdin io.Reader) bool {
	file, ok := stdin.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
