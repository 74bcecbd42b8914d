package cluster

import (
	"context"
	"maps"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Hibernate says in the Cluster that the Shoot is to be hibernated (and is), or to be awake (and is).
func (s *Shoot) Hibernate(ctx context.Context, hibernated bool) error {
	return s.Update(ctx, func(shoot *gardencorev1beta1.Shoot) {
		shoot.Spec.Hibernation = &gardencorev1beta1.Hibernation{Enabled: &hibernated}
		shoot.Status.IsHibernated = hibernated
	})
}

// MarkDeleted says in the Cluster that the Shoot is being deleted; force also that its user wants that by force.
func (s *Shoot) MarkDeleted(ctx context.Context, force bool) error {
	return s.Update(ctx, func(shoot *gardencorev1beta1.Shoot) {
		now := metav1.Now()
		shoot.DeletionTimestamp = &now
		annotations := map[string]string{v1beta1constants.ConfirmationDeletion: "true"}
		if force {
			annotations[v1beta1constants.AnnotationConfirmationForceDeletion] = "true"
		}
		maps.Copy(annotations, shoot.Annotations)
		shoot.Annotations = annotations
	})
}

// SetPurpose changes the Shoot's purpose.
func (s *Shoot) SetPurpose(ctx context.Context, purpose gardencorev1beta1.ShootPurpose) error {
	return s.Update(ctx, func(shoot *gardencorev1beta1.Shoot) { shoot.Spec.Purpose = &purpose })
}

// RotateCA brings the rotation of the shoot's certificate authorities into a phase, with the times that gardener writes
// on the way: Preparing initiates a rotation, Prepared ends that, Completing and Completed follow.
func (s *Shoot) RotateCA(ctx context.Context, phase gardencorev1beta1.CredentialsRotationPhase) error {
	return s.Update(ctx, func(shoot *gardencorev1beta1.Shoot) {
		now := metav1.NewTime(time.Now().UTC())
		rotation := caRotation(shoot)
		rotation.Phase = phase
		switch phase {
		case gardencorev1beta1.RotationPreparing:
			*rotation = gardencorev1beta1.CARotation{Phase: phase, LastInitiationTime: &now, LastCompletionTime: rotation.LastCompletionTime}
		case gardencorev1beta1.RotationPrepared:
			rotation.LastInitiationFinishedTime = &now
		case gardencorev1beta1.RotationCompleting:
			rotation.LastCompletionTriggeredTime = &now
		case gardencorev1beta1.RotationCompleted:
			rotation.LastCompletionTime = &now
		default: // the phases of workers that are rolled one by one have no times
		}
	})
}

// caRotation returns the status of the rotation of a Shoot's certificate authorities, to be changed.
func caRotation(shoot *gardencorev1beta1.Shoot) *gardencorev1beta1.CARotation {
	if shoot.Status.Credentials == nil {
		shoot.Status.Credentials = &gardencorev1beta1.ShootCredentials{}
	}
	credentials := shoot.Status.Credentials
	if credentials.Rotation == nil {
		credentials.Rotation = &gardencorev1beta1.ShootCredentialsRotation{}
	}
	if credentials.Rotation.CertificateAuthorities == nil {
		credentials.Rotation.CertificateAuthorities = &gardencorev1beta1.CARotation{}
	}
	return credentials.Rotation.CertificateAuthorities
}
