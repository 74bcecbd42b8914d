// Command cripull pulls or removes an image through containerd's CRI, the way a kubelet does, which is the only way that
// reads the config_path of containerd's own configuration.
//
// usage: cripull SOCKET pull|remove IMAGE
//
// A pull prints the seconds that it took.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// timeout is longer than the worst that is measured: eight layers through a dead address.
const timeout = 5 * time.Minute

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cripull:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("SOCKET, pull or remove, and IMAGE must be given, got %q", args)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	connection, err := grpc.NewClient("unix://"+args[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connecting to containerd: %w", err)
	}
	defer func() { _ = connection.Close() }()
	client := runtime.NewImageServiceClient(connection)
	image := &runtime.ImageSpec{Image: args[2]}
	switch args[1] {
	case "pull":
		start := time.Now()
		if _, err := client.PullImage(ctx, &runtime.PullImageRequest{Image: image}); err != nil {
			return fmt.Errorf("pulling: %w", err)
		}
		fmt.Printf("%.3f\n", time.Since(start).Seconds())
	case "remove":
		if _, err := client.RemoveImage(ctx, &runtime.RemoveImageRequest{Image: image}); err != nil {
			return fmt.Errorf("removing: %w", err)
		}
	default:
		return fmt.Errorf("command must be pull or remove, got %q", args[1])
	}
	return nil
}
