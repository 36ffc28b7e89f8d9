package gen_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/gen"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
)

func eachOperation(t *testing.T, f func(t *testing.T, svc *smithy.Service, op *smithy.Operation)) {
	t.Helper()
	for _, svc := range gen.Models() {
		t.Run(svc.Name, func(t *testing.T) {
			t.Parallel()
			for _, op := range svc.Operations {
				f(t, svc, op)
			}
		})
	}
}

// TestRoundTrip reads random values into the generated types and writes them out:
// a member that is read into another's field, or not written, shows.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	eachOperation(t, func(t *testing.T, _ *smithy.Service, op *smithy.Operation) {
		rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
		for range 20 {
			roundTrip(t, rng, op.Name, op.NewInput)
			roundTrip(t, rng, op.Name, op.NewOutput)
			for _, v := range []smithy.Struct{op.NewInput(), op.NewOutput()} {
				if sink, ok := v.(smithy.EventSink); ok {
					roundTrip(t, rng, op.Name+" event", sink.NewEvent)
				}
			}
		}
	})
}

func roundTrip(t *testing.T, rng *rand.Rand, name string, empty func() smithy.Struct) {
	t.Helper()
	typed := empty()
	in := smithytest.Random(rng, typed.Schema())
	if err := smithytest.NewReader(in).Struct(typed); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if diff := cmp.Diff(smithytest.Copy(typed).Params(), in.Params()); diff != "" {
		t.Fatalf("%s: got -, want +:\n%s", name, diff)
	}
}

// TestOperations checks what wire and api rely on.
func TestOperations(t *testing.T) {
	t.Parallel()
	eachOperation(t, func(t *testing.T, svc *smithy.Service, op *smithy.Operation) {
		if op.NewInput().Schema() != op.Input || op.NewOutput().Schema() != op.Output {
			t.Errorf("%s: its constructors make other shapes than its schemas", op.Name)
		}
		_, source := op.NewOutput().(smithy.EventSource)
		_, sink := op.NewInput().(smithy.EventSink)
		if source != op.OutputStream || sink != op.InputStream {
			t.Errorf("%s: streams in %v, out %v; types say %v, %v", op.Name, op.InputStream, op.OutputStream, sink, source)
		}
		for _, e := range op.Errors {
			if e.Error == "" || e.Status < 400 || e.Status > 599 {
				t.Errorf("%s: error %s has code %q and status %d", op.Name, e.Name, e.Error, e.Status)
			}
		}
		if svc.SigningName == "" || len(svc.Protocols) == 0 || op.Method == "" || op.URI == "" || op.Code == 0 {
			t.Errorf("%s: incomplete", op.Name)
		}
	})
}

// TestSchemas walks every schema: each is complete, and each pattern compiles.
func TestSchemas(t *testing.T) {
	t.Parallel()
	seen := map[*smithy.Schema]bool{}
	patterns, translated := 0, 0
	var walk func(path string, s *smithy.Schema)
	walk = func(path string, s *smithy.Schema) {
		if s == nil {
			t.Errorf("%s has no schema", path)
			return
		}
		if seen[s] {
			return
		}
		seen[s] = true
		if p := s.Pattern; p != nil {
			patterns++
			if p.All != nil {
				translated++
			}
			if err := p.Compile(); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		if (s.Type == smithy.List && len(s.Members) != 1) || (s.Type == smithy.Map && len(s.Members) != 2) {
			t.Errorf("%s: a list or map with %d members", path, len(s.Members))
		}
		for i := range s.Members {
			m := &s.Members[i]
			if m.WireName == "" {
				t.Errorf("%s.%s has no name on the wire", path, m.Name)
			}
			walk(path+"."+m.Name, m.Schema)
		}
	}
	for _, svc := range gen.Models() {
		for _, op := range svc.Operations {
			walk(op.Name+" input", op.Input)
			walk(op.Name+" output", op.Output)
			for _, e := range op.Errors {
				walk(op.Name+" error", e)
			}
		}
	}
	t.Logf("%d schemas, %d patterns of which %d translated", len(seen), patterns, translated)
	if patterns < 250 || translated < 10 {
		t.Errorf("%d patterns, %d translated: the walk misses some", patterns, translated)
	}
}
