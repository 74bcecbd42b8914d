package admission

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/decode"
)

// rules are those of one extension type.
type rules interface {
	// extensionType is the type in the Shoot's spec.extensions.
	extensionType() string
	// validate adds what is wrong with a change whose new providerConfig is given.
	validate(ctx context.Context, c *change, into *findings)
}

// validate validates one extension of a Shoot. The order is that of the existing extension, but nothing stops at the first
// fault.
func validate(ctx context.Context, r rules, newObj, oldObj client.Object) error {
	c, err := changeOf(newObj, oldObj, r.extensionType())
	if err != nil || c == nil {
		return err
	}
	found := &findings{}
	found.refuse(c.validateContainerRuntimes())
	switch {
	case c.extension.text != nil:
		r.validate(ctx, c, found)
	case c.old == nil || c.old.text != nil:
		found.refuse(field.ErrorList{field.Required(c.extension.path,
			fmt.Sprintf("providerConfig is required for the %s extension", r.extensionType()))})
	}
	return found.report(ctx)
}

// validateOldText refuses a providerConfig where an enabled extension had none: nobody knows which of its fields would have
// been immutable.
func (c *change) validateOldText() field.ErrorList {
	if c.old == nil || c.old.text != nil {
		return nil
	}
	return field.ErrorList{field.Forbidden(c.extension.path,
		"providerConfig is not available on old Shoot; remove the extension from the Shoot and add it again")}
}

// beside returns the faults of validating a config without those that only follow from its faults of decoding.
func beside(decoding, validation field.ErrorList) field.ErrorList {
	return decode.Join(decoding, validation)[len(decoding):]
}
