package registrycache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1beta1helper "github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

// providerConfig is the field of the Extension, and of the Shoot, that a user finds a fault in.
const providerConfig = "providerConfig"

// readConfig decodes the providerConfig of any version and fills in its defaults. What is wrong with it is said by check,
// which has the same faults and more.
func (o *operation) readConfig(context.Context) error {
	if o.ex.Spec.ProviderConfig == nil || len(o.ex.Spec.ProviderConfig.Raw) == 0 {
		return configurationProblem(errors.New(providerConfig + " is required for the registry-cache extension"))
	}
	if !json.Valid(o.ex.Spec.ProviderConfig.Raw) {
		return configurationProblem(errors.New(providerConfig + " must be JSON"))
	}
	config, errs := registry.DecodeConfig(o.ex.Spec.ProviderConfig.Raw, field.NewPath(providerConfig))
	if config == nil {
		return faultError(fault.FromFields(fault.Configuration, errs))
	}
	config.Default(true)
	o.config = config
	return nil
}

// check renders the Services to see all faults before anything is changed; the certificates, which cannot be wrong, aside.
func (o *operation) check(context.Context) error {
	config, err := o.functionConfig()
	if err != nil {
		return err
	}
	_, err = pipeline.RenderServices(config, o.items)
	found, ok := fault.FromError(err)
	if err != nil && !ok {
		return err
	}
	// The pipeline misses the same Secrets, and would tell the user to give them as a file.
	all := slices.Clone(o.missing)
	for _, f := range found {
		if !slices.ContainsFunc(o.missing, func(m fault.Fault) bool { return m.Field == userPath(f.Field) && f.Cause == fault.Secret }) {
			all = append(all, f)
		}
	}
	return faultError(all.OrNil())
}

// functionConfig wraps the providerConfig, as the user wrote it, with what the deployer knows.
func (o *operation) functionConfig() (input.Config, error) {
	wrapper := fnv1alpha1.RegistryCaches{
		RegistryConfig:        runtime.RawExtension{Raw: o.ex.Spec.ProviderConfig.Raw},
		Platform:              fnv1alpha1.PlatformShoot,
		Registry:              o.registry,
		Image:                 o.images.Registry,
		VerticalPodAutoscaler: v1beta1helper.ShootWantsVerticalPodAutoscaler(o.cluster.Shoot),
		Services:              o.pins(),
	}
	wrapper.APIVersion, wrapper.Kind = fnv1alpha1.APIVersion, "RegistryCaches"
	return asConfig(wrapper)
}

// asConfig makes a functionConfig of its typed form. The name marks what it generates.
func asConfig(typed any) (input.Config, error) {
	body, err := json.Marshal(typed)
	if err != nil {
		return input.Config{}, fmt.Errorf("encoding the functionConfig: %w", err)
	}
	config, err := input.Parse(body)
	config.Name = managedResourceCaches
	return config, err
}

// render runs the pipeline for the caches.
func (o *operation) render() ([]manifest.Object, error) {
	config, err := o.functionConfig()
	if err != nil {
		return nil, err
	}
	out, err := pipeline.Render(config, o.items)
	if err != nil {
		return nil, faultError(err)
	}
	o.tell(out.Remarks)
	return out.Objects, nil
}

// tell warns of what works, but not as its author may think: once, and all of it at once.
func (o *operation) tell(remarks fault.List) {
	warnings := slices.DeleteFunc(slices.Clone(remarks), func(f fault.Fault) bool { return f.Severity != fault.Warning })
	if len(warnings) > 0 && o.isNews() {
		o.warn(reasonConfiguration, "Check", "%s", userPath(warnings.Error()))
	}
}

// faultError gives an error of the functions the code that tells gardenlet whether trying again can help. A Secret may still
// appear or be mended, without any change of the Shoot; with the code of a wrong configuration the Shoot would be marked as
// failed and wait for such a change. Another error is a defect of ours and has no code.
func faultError(err error) error {
	list, ok := fault.FromError(err)
	switch {
	case !ok:
		return err
	case list.Only(fault.Secret):
		return secretProblem(errors.New(userPath(list.Error())))
	}
	return configurationProblem(errors.New(userPath(list.Error())))
}

// userPath names fields as the user sees them, who wrote a providerConfig and no wrapper of it.
func userPath(message string) string {
	return strings.ReplaceAll(message, "registryConfig.", providerConfig+".")
}

func configurationProblem(err error) error {
	return v1beta1helper.NewErrorWithCodes(err, gardencorev1beta1.ErrorConfigurationProblem)
}

func secretProblem(err error) error {
	return v1beta1helper.NewErrorWithCodes(err, gardencorev1beta1.ErrorRetryableConfigurationProblem)
}
