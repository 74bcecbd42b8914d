// Command build writes the images of this project, or those that are named, as OCI layouts.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/registry-cache/registry-cache/controller/images"
)

func main() {
	if err := build(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func build(ctx context.Context, arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("build", flag.ExitOnError)
	output := flags.String("o", "bin/images", "`folder` in which each image gets a layout of its name")
	platformList := flags.String("platforms", "linux/amd64,linux/arm64", "`list` of platforms")
	created := flags.Int64("created", 0, "time of the source in `seconds` since 1970, the images' own")
	b := &images.Builder{}
	flags.StringVar(&b.Root, "root", ".", "`folder` of the module")
	flags.StringVar(&b.Version, "version", "dev", "`version` of the source, the images' tag")
	flags.StringVar(&b.Revision, "revision", "", "`commit` of the source")
	flags.StringVar(&b.BusyboxFolder, "busybox", "bin/busybox", "`folder` with Debian's busybox-static; what is missing there is downloaded")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	b.Created = time.Unix(*created, 0).UTC()
	platforms, err := parsePlatforms(*platformList)
	if err != nil {
		return err
	}
	selected, err := images.Select(flags.Args()...)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer func() { _ = table.Flush() }() // what was built, also if the next one fails
	_, _ = fmt.Fprintln(table, "IMAGE\tPLATFORM\tDIGEST\tCOMPRESSED\tUNCOMPRESSED")
	for _, image := range selected {
		index, err := b.Index(ctx, image, platforms)
		if err != nil {
			return err
		}
		if err := images.Write(filepath.Join(*output, image.Name), b.Version, index); err != nil {
			return err
		}
		if err := report(table, image.Name, index); err != nil {
			return err
		}
	}
	return nil
}

func parsePlatforms(list string) ([]v1.Platform, error) {
	var platforms []v1.Platform
	for _, text := range strings.Split(list, ",") {
		platform, err := v1.ParsePlatform(text)
		if err != nil {
			return nil, fmt.Errorf("parsing platform %q: %w", text, err)
		}
		platforms = append(platforms, *platform)
	}
	return platforms, nil
}

// report adds an image to the table: its index, and what each platform pulls.
func report(table io.Writer, name string, index v1.ImageIndex) error {
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	sizes, err := images.Sizes(index)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(table, "%s\tall\t%s\t\t\n", name, digest)
	for _, size := range sizes {
		_, _ = fmt.Fprintf(table, "\t%s\t%s\t%s\t%s\n", size.Platform, size.Digest, megabytes(size.Compressed), megabytes(size.Uncompressed))
	}
	return nil
}

func megabytes(size int64) string { return fmt.Sprintf("%.1f MB", float64(size)/1e6) }
