package gen_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/gen"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
)

// TestCrossCheck compares the generated models with a second description of the
// same APIs: whatever that one has must be here, alike. The other way round a newer
// release may have more, which is logged.
func TestCrossCheck(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Path(t, "api")
	for _, svc := range gen.Models() {
		t.Run(svc.Name, func(t *testing.T) {
			t.Parallel()
			c := &crossCheck{t: t, seen: map[*smithy.Schema]bool{}}
			c.service(svc, loadService(t, dir, svc.Name))
			for _, more := range c.more {
				t.Log("only generated:", more)
			}
		})
	}
}

func loadService(t *testing.T, dir, name string) *smithy.Service {
	t.Helper()
	files := []string{filepath.Join(dir, name+".json")}
	if newer := filepath.Join(dir, "overlay", name+".json"); exists(newer) {
		files = append(files, newer)
	}
	m, err := smithytest.LoadFile(files...)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Services) != 1 {
		t.Fatalf("%d services in %v", len(m.Services), files)
	}
	return m.Services[0]
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

type crossCheck struct {
	t    *testing.T
	seen map[*smithy.Schema]bool // of the second description
	more []string
}

func (c *crossCheck) errorf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf(format, args...)
}

func (c *crossCheck) service(got, want *smithy.Service) {
	for _, op := range got.Operations {
		if findOp(want, op.Name) == nil {
			c.more = append(c.more, "operation "+op.Name)
		}
	}
	if len(want.Operations) == 0 {
		c.errorf("the second description is empty")
	}
	for _, w := range want.Operations {
		g := findOp(got, w.Name)
		if g == nil {
			c.errorf("no operation %s", w.Name)
			continue
		}
		c.operation(g, w)
	}
}

func findOp(svc *smithy.Service, name string) *smithy.Operation {
	i := slices.IndexFunc(svc.Operations, func(op *smithy.Operation) bool { return op.Name == name })
	if i < 0 {
		return nil
	}
	return svc.Operations[i]
}

func (c *crossCheck) operation(got, want *smithy.Operation) {
	type facts struct {
		Method, URI         string
		Code                int
		InStream, OutStream bool
	}
	f := func(op *smithy.Operation) facts {
		return facts{op.Method, op.URI, op.Code, op.InputStream, op.OutputStream}
	}
	if diff := cmp.Diff(f(got), f(want)); diff != "" {
		c.errorf("%s: got -, want +:\n%s", got.Name, diff)
	}
	c.schema(got.Name+" input", got.Input, want.Input)
	c.schema(got.Name+" output", got.Output, want.Output)
	for _, w := range want.Errors {
		i := slices.IndexFunc(got.Errors, func(e *smithy.Schema) bool { return e.Name == w.Name })
		if i < 0 {
			c.errorf("%s has no error %s", got.Name, w.Name)
			continue
		}
		c.schema(got.Name+" error", got.Errors[i], w)
	}
}

func (c *crossCheck) schema(path string, got, want *smithy.Schema) {
	if c.seen[want] {
		return
	}
	c.seen[want] = true
	type facts struct {
		Type   smithy.Type
		Error  string
		Status int
		Stream bool
	}
	f := func(s *smithy.Schema) facts {
		t := s.Type
		if t == smithy.Enum { // one that grew values was a string before
			t = smithy.String
		}
		return facts{t, s.Error, s.Status, s.Streaming}
	}
	if diff := cmp.Diff(f(got), f(want)); diff != "" {
		c.errorf("%s (%s): got -, want +:\n%s", path, want.Name, diff)
		return
	}
	for _, v := range want.Enum {
		if got.Enum != nil && !slices.Contains(got.Enum, v) {
			c.errorf("%s (%s) has no value %s", path, want.Name, v)
		}
	}
	for i := range got.Members {
		if findMember(want, got.Members[i].Name) == nil {
			c.more = append(c.more, "member "+got.Name+"."+got.Members[i].Name)
		}
	}
	for i := range want.Members {
		w := &want.Members[i]
		g := findMember(got, w.Name)
		if g == nil {
			c.errorf("%s (%s) has no member %s", path, want.Name, w.Name)
			continue
		}
		c.member(path+"."+w.Name, g, w)
	}
}

func findMember(s *smithy.Schema, name string) *smithy.Member {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i]
		}
	}
	return nil
}

func (c *crossCheck) member(path string, got, want *smithy.Member) {
	f := func(m *smithy.Member) string {
		return fmt.Sprintf("%s required=%v location=%d %q token=%v flattened=%v",
			m.WireName, m.Required, m.Location, m.LocationName, m.IdempotencyToken, m.Flattened)
	}
	if g, w := f(got), f(want); g != w {
		c.errorf("%s: got %s, want %s", path, g, w)
	}
	c.schema(path, got.Schema, want.Schema)
}
