//go:build integration

package integration

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/extension"
)

// TestLeaderKilled runs two replicas and kills the leader in the middle of an operation. The other one has done nothing until
// then but serve the webhook, which both do all the time, and ends the operation.
func TestLeaderKilled(t *testing.T) {
	e := newBareEnv(t)
	service := e.playService()
	e.t.Cleanup(func() { _ = e.Client().Delete(context.Background(), lease()) })
	leader := e.startReplica("extension", service)
	e.waitHealthy(leader, "/readyz")
	e.eventually(20*time.Second, func() error { return e.leads("") })
	standby := e.startReplica("extension-standby", service)
	e.waitHealthy(standby, "/readyz")
	service.lead(leader, standby)
	e.awaitWebhooks(service.address())
	s := e.newShoot("leader")
	two := []wanted{{"docker.io", true}, {"quay.io", false}}
	e.reconcile(s, configOf(two))
	e.expectEnd(s, two)
	before := e.shootObjects()
	for _, replica := range []*extension.Process{leader, standby} {
		service.lead(replica)
		e.awaitOSC(s, patched)
	}
	service.lead(leader, standby)

	asked := e.askAllTheTime(s, standby)
	holder := e.holder()
	e.must(s.ApplyExtension(e.ctx, cacheExtension, configOf(two[:1])))
	e.awaitObject("the middle of a removal", managedResource(s, "extension-registry-configuration-cleaner"))
	if steps := stepsIn(standby.Logs()); len(steps) > 0 {
		t.Errorf("the standby has worked while the other one led: %q", steps)
	}
	e.must(leader.Kill())
	e.took("the way from the leader's death to the end of the removal", func() { e.must(s.WaitReady(e.ctx, cacheExtension)) })
	e.expectEnd(s, two[:1])
	e.expectKept(before, "docker-io")
	e.must(e.leads(holder))
	if len(stepsIn(standby.Logs())) == 0 {
		t.Error("the standby has not worked")
	}
	asked()
}

// startReplica starts the extension with leader election, registered at the address of a Service.
func (e *env) startReplica(name string, service *playedService) *extension.Process {
	e.t.Helper()
	return e.startController(name, "--leader-election=true", "--log-level=debug", "--webhook-config-url="+service.address())
}

func lease() *coordinationv1.Lease {
	return leaseOf(extension.Namespace, "extension-registry-cache-leader-election")
}

func leaseOf(namespace, name string) *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

// holder is who leads.
func (e *env) holder() string {
	e.t.Helper()
	l := lease()
	e.must(e.Client().Get(e.ctx, client.ObjectKeyFromObject(l), l))
	if l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

// leads returns an error unless somebody leads who is not another one.
func (e *env) leads(another string) error {
	l := lease()
	if err := e.Client().Get(e.ctx, client.ObjectKeyFromObject(l), l); err != nil {
		return err
	}
	if holder := l.Spec.HolderIdentity; holder == nil || *holder == "" || *holder == another {
		return fmt.Errorf("nobody else leads than %q", another)
	}
	return nil
}

// askAllTheTime applies the OperatingSystemConfig all the time, and looks whether a replica is ready, until the function
// returned is called. That one fails if more than one update was refused: the one that the death of a replica may have met.
func (e *env) askAllTheTime(s *cluster.Shoot, replica *extension.Process) (stop func()) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.ctx)
	done, refused, asked := make(chan struct{}), []error{}, 0
	go func() {
		defer close(done)
		for ; ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
			asked++
			osc, err := s.ApplyOSC(ctx, oscName, purposeReconcile, desiredOSC())
			if err == nil {
				err = patched(osc)
			}
			if err == nil {
				err = cluster.Answers(ctx, http.DefaultClient, "http://"+replica.Health+"/readyz")
			}
			if err != nil && ctx.Err() == nil {
				refused = append(refused, err)
			}
		}
	}()
	return func() {
		e.t.Helper()
		cancel()
		<-done
		e.t.Logf("%d updates of OperatingSystemConfigs meanwhile, %d refused: %v", asked, len(refused), refused)
		if len(refused) > 1 || asked < 10 {
			e.t.Error("the webhook was not there all the time")
		}
	}
}
