package server

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/api"
	"github.com/outcrop-ai/outcrop/internal/api/s3"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/gen"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// TestCoverageIsTrue holds the table of what works against the implementations: an
// operation is built when its method is not the generated Unimplemented's.
func TestCoverageIsTrue(t *testing.T) {
	t.Parallel()
	c, err := catalog.New(catalog.Config{Regions: []string{"us-east-1"}})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]api.Status{}
	for _, line := range api.Table(api.Models()) {
		listed[line.Service+"."+line.Operation] = line.Status
	}
	for name := range api.Built() {
		if _, ok := listed[name]; !ok {
			t.Errorf("the table lists %s, which no service has", name)
		}
	}
	served := map[string]bool{}
	for _, s := range services(c, nil) {
		served[s.Model.Name] = true
		for _, op := range s.Model.Operations {
			name := s.Model.Name + "." + op.Name
			if got, want := listed[name] != api.NotBuilt, implemented(op, s.Impl); got != want {
				t.Errorf("%s: the table says %s, the implementation: %v", name, listed[name], want)
			}
		}
	}
	for name, status := range listed { // S3's door has a table of its own
		if op, ok := strings.CutPrefix(name, "s3."); ok && (status != api.NotBuilt) != s3.Built()[op] {
			t.Errorf("%s: the table says %s, the door: %v", name, status, s3.Built()[op])
		}
	}
	for _, s := range gen.Models() {
		for _, op := range s.Operations {
			if name := s.Name + "." + op.Name; !served[s.Name] && listed[name] != api.NotBuilt {
				t.Errorf("the table says %s of %s, which nothing serves", listed[name], name)
			}
		}
	}
}

// implemented calls the operation on an empty input, with a context that is over.
// Unimplemented methods look at neither; a panic shows that there is something.
func implemented(op *smithy.Operation, impl any) (built bool) {
	defer func() {
		if recover() != nil {
			built = true
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := op.Invoke(ctx, impl, op.NewInput())
	_, missing := errors.AsType[*smithy.NotImplementedError](err)
	return !missing
}
