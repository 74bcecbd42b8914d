package app

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/distribution/distribution/v3/version"
	"github.com/spf13/cobra"
)

// Main runs the program with these arguments and returns its exit code.
func Main(args []string) int {
	command := newCommand()
	command.SetArgs(args)
	if err := command.Execute(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "registry-cache:", err)
		return 1
	}
	return 0
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "registry-cache",
		Short:         "A pull-through cache that never fails a pull for want of disk",
		Version:       ownVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newServeCommand(), newGetCommand())
	return root
}

// ownVersion is this program's, "(devel)" unless the Go toolchain was let to take it from the repository, and that of the library
// that it is made of.
func ownVersion() string {
	own := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		own = info.Main.Version
	}
	return own + " (distribution " + version.Version() + ")"
}

func newServeCommand() *cobra.Command {
	settings := Settings{}
	command := &cobra.Command{
		Use:   "serve [config.yml]",
		Short: "Serve, with the configuration file and the environment of distribution's registry",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if err := settings.complete(command.Flags(), os.LookupEnv); err != nil {
				return err
			}
			config, err := configPath(args)
			if err != nil {
				return err
			}
			return Serve(config, settings)
		},
	}
	settings.addFlags(command.Flags())
	return command
}

// newGetCommand is what distribution calls, as a credential helper, for the upstream's user name and password.
func newGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "get",
		Short:  "Answer as a credential helper",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			// The host is not looked at: distribution asks only for the upstream and token services that it trusts with it.
			if _, err := io.Copy(io.Discard, command.InOrStdin()); err != nil {
				return fmt.Errorf("reading host: %w", err)
			}
			return answer(command.OutOrStdout(), os.Getenv)
		},
	}
}
