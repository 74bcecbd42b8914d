// Command registry-cache is a pull-through cache.
package main

import (
	"os"

	_ "golang.org/x/crypto/x509roots/fallback" // the image is made from scratch: without it no upstream would be trusted

	"github.com/registry-cache/registry-cache/cache/app"
)

func main() { os.Exit(app.Main(os.Args[1:])) }
