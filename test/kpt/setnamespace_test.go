package kpt

import (
	"fmt"
	"os"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/kio"
)

// TestMain makes the test binary a KRM function, too: kpt runs it as "<binary> set-namespace <namespace>".
func TestMain(m *testing.M) {
	if len(os.Args) != 3 || os.Args[1] != "set-namespace" {
		os.Exit(m.Run())
	}
	rw := &kio.ByteReadWriter{Reader: os.Stdin, Writer: os.Stdout, KeepReaderAnnotations: true}
	if err := framework.Execute(framework.ResourceListProcessorFunc(setNamespace), rw); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// setNamespace moves all objects into another namespace and renames the Namespace, as the function of this name in the
// krm-functions-catalog does.
func setNamespace(rl *framework.ResourceList) error {
	for _, item := range rl.Items {
		var err error
		switch {
		case item.GetKind() == "Namespace":
			err = item.SetName(os.Args[2])
		case item.GetNamespace() != "":
			err = item.SetNamespace(os.Args[2])
		}
		if err != nil {
			return err
		}
	}
	return nil
}
