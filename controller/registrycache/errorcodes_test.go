package registrycache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1beta1helper "github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/registry-cache/registry-cache/functions/fault"
)

// TestCodesOfFaults: with the wrong one the Shoot would be frozen until its owner changes it, though only a Secret is late.
func TestCodesOfFaults(t *testing.T) {
	secret := fault.Fault{Severity: fault.Error, Cause: fault.Secret, Message: "missing"}
	config := fault.Fault{Severity: fault.Error, Cause: fault.Configuration, Message: "wrong"}
	item := fault.Fault{Severity: fault.Error, Cause: fault.Item, Message: "immutable"}
	for name, c := range map[string]struct {
		err  error
		want []gardencorev1beta1.ErrorCode
	}{
		"none":                       {nil, nil},
		"a defect":                   {errors.New("broken"), nil},
		"only Secrets":               {fault.List{secret, secret}, []gardencorev1beta1.ErrorCode{"ERR_RETRYABLE_CONFIGURATION_PROBLEM"}},
		"the configuration":          {fault.List{config}, []gardencorev1beta1.ErrorCode{"ERR_CONFIGURATION_PROBLEM"}},
		"configuration and Secret":   {fault.List{secret, config}, []gardencorev1beta1.ErrorCode{"ERR_CONFIGURATION_PROBLEM"}},
		"a claim that cannot change": {fault.List{item}, []gardencorev1beta1.ErrorCode{"ERR_CONFIGURATION_PROBLEM"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := faultError(c.err)
			if err == nil != (c.err == nil) {
				t.Fatalf("got %v of %v", err, c.err)
			}
			if err == nil {
				return
			}
			wrapped := fmt.Errorf("deploying: %w", fmt.Errorf("reading: %w", err))
			if got := v1beta1helper.ExtractErrorCodes(wrapped); !slices.Equal(got, c.want) {
				t.Errorf("got the codes %v, want %v", got, c.want)
			}
		})
	}
}

// TestWrongProviderConfig: the code, and a message with the field as the user wrote it.
func TestWrongProviderConfig(t *testing.T) {
	const head = `"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "kind": "RegistryConfig"`
	for name, c := range map[string]struct{ config, want string }{
		"missing":       {"", "providerConfig is required"},
		"not JSON":      {"{", "providerConfig must be JSON"},
		"another kind":  {`{"apiVersion": "v1", "kind": "Secret"}`, `providerConfig.kind: Unsupported value: "Secret"`},
		"unknown field": {"{" + head + `, "caches": [{"upstream": "docker.io", "size": "1Gi"}]}`, "providerConfig.caches[0].size"},
		"invalid":       {"{" + head + `, "caches": [{"upstream": "https://docker.io"}]}`, `providerConfig.caches[0].upstream: Invalid value: "https://docker.io"`},
		"no caches":     {"{" + head + `}`, "providerConfig.caches: Required value"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &operation{actuator: &actuator{}, log: logr.Discard(), ex: &extensionsv1alpha1.Extension{}}
			o.cluster = shootCluster()
			if c.config != "" {
				o.ex.Spec.ProviderConfig = &runtime.RawExtension{Raw: []byte(c.config)}
			}
			err := o.readConfig(context.Background())
			if err == nil {
				err = o.check(context.Background())
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "registryConfig") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if codes := v1beta1helper.ExtractErrorCodes(err); !slices.Equal(codes, []gardencorev1beta1.ErrorCode{"ERR_CONFIGURATION_PROBLEM"}) {
				t.Errorf("got the codes %v", codes)
			}
		})
	}
}

// TestAllFaultsAtOnce: a Secret that is missing does not hide what is wrong with the configuration, nor the other way round.
func TestAllFaultsAtOnce(t *testing.T) {
	o := &operation{actuator: &actuator{}, log: logr.Discard(), ex: &extensionsv1alpha1.Extension{}, cluster: shootCluster()}
	o.ex.Spec.ProviderConfig = &runtime.RawExtension{Raw: []byte(`{"apiVersion": "registry.extensions.gardener.cloud/v1alpha3",
		"kind": "RegistryConfig", "caches": [{"upstream": "docker.io", "secretReferenceName": "hub", "volume": {"size": "0"}}]}`)}
	var err error
	for _, step := range []func(context.Context) error{o.readConfig, o.readCredentials, o.check} {
		if err = step(context.Background()); err != nil {
			break
		}
	}
	for _, want := range []string{
		"providerConfig.caches[0].volume.size: Invalid value",
		`providerConfig.caches[0].secretReferenceName: Invalid value: "hub": failed to find referenced resource with name hub and kind Secret`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err != nil && strings.Count(err.Error(), "secretReferenceName") != 1 {
		t.Errorf("the missing Secret must be named once: %v", err)
	}
	if codes := v1beta1helper.ExtractErrorCodes(err); !slices.Equal(codes, []gardencorev1beta1.ErrorCode{"ERR_CONFIGURATION_PROBLEM"}) {
		t.Errorf("got the codes %v", codes)
	}
}
