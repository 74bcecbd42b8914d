package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
	"github.com/registry-cache/registry-cache/functions/shape"
)

// configWith returns a RegistryCaches for a shoot with so many caches, as the controller makes it.
func configWith(tb testing.TB, caches int) input.Config {
	tb.Helper()
	var list []string
	for i := range caches {
		list = append(list, fmt.Sprintf(`{"upstream":"registry-%d.example.io","http":{"tls":false},"volume":{"size":"20Gi"}}`, i))
	}
	config, err := input.Parse(fmt.Appendf(nil, `{
		"apiVersion":"functions.registry.extensions.gardener.cloud/v1alpha1","kind":"RegistryCaches","platform":"shoot",
		"verticalPodAutoscaler":true,
		"registryConfig":{"apiVersion":"registry.extensions.gardener.cloud/v1alpha3","kind":"RegistryConfig","caches":[%s]}
	}`, strings.Join(list, ",")))
	if err != nil {
		tb.Fatal(err)
	}
	return config
}

// BenchmarkRender measures what the controller does for a shoot: render all manifests in-process, serialise them and
// compress them as a ManagedResource's Secret holds them. The shapes are built already, as in a process that runs.
func BenchmarkRender(b *testing.B) {
	for _, caches := range []int{1, 10, 50} {
		b.Run(fmt.Sprint(caches), func(b *testing.B) {
			config := configWith(b, caches)
			renderAndCompress(b, config)
			b.ReportAllocs()
			for b.Loop() {
				renderAndCompress(b, config)
			}
		})
	}
}

func renderAndCompress(b *testing.B, config input.Config) {
	b.Helper()
	out, err := pipeline.Render(config, nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := compress(out.Objects); err != nil {
		b.Fatal(err)
	}
}

// compressors are used again, because a new one allocates its 10 MiB window, which takes longer than all the rest.
var compressors = sync.Pool{New: func() any { return brotli.NewWriter(nil) }}

func compress(objects []manifest.Object) error {
	var data bytes.Buffer
	writer, _ := compressors.Get().(*brotli.Writer)
	defer compressors.Put(writer)
	writer.Reset(&data)
	encoder := json.NewEncoder(writer)
	for _, o := range objects {
		if _, err := writer.Write([]byte("---\n")); err != nil {
			return err
		}
		if err := encoder.Encode(o); err != nil {
			return err
		}
	}
	return writer.Close()
}

// BenchmarkShape measures what the first cache of a kind costs more: the kustomize build of its shape.
func BenchmarkShape(b *testing.B) {
	config := configWith(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		shape.Forget()
		if _, err := pipeline.Render(config, nil); err != nil {
			b.Fatal(err)
		}
	}
}
