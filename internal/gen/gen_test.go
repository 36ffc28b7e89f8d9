package gen_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/gen"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrock"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockagent"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockagentruntime"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/gen/iam"
	"github.com/outcrop-ai/outcrop/internal/gen/logs"
	"github.com/outcrop-ai/outcrop/internal/gen/monitoring"
	"github.com/outcrop-ai/outcrop/internal/gen/sts"
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
		rng := rand.New(rand.NewPCG(1, 2)) // repeatable on purpose
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
	err := smithy.ReadValid(smithytest.NewReader(in), empty())
	if err == nil {
		return
	}
	if ve, ok := errors.AsType[*smithy.ValidationError](err); !ok || ve.Count < len(ve.Violations) || len(ve.Error()) > 64<<10 {
		t.Errorf("%s: got %v", name, err) // random values break constraints, nothing else
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

// walkSchemas calls f once for each schema that an operation reaches.
func walkSchemas(f func(path string, s *smithy.Schema)) {
	seen := map[*smithy.Schema]bool{}
	var walk func(path string, s *smithy.Schema)
	walk = func(path string, s *smithy.Schema) {
		if seen[s] {
			return
		}
		seen[s] = true
		f(path, s)
		if s == nil {
			return
		}
		for i := range s.Members {
			walk(path+"."+s.Members[i].Name, s.Members[i].Schema)
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
}

// TestSchemas checks that every schema is complete, and that each pattern compiles.
func TestSchemas(t *testing.T) {
	t.Parallel()
	schemas, patterns, translated := 0, 0, 0
	walkSchemas(func(path string, s *smithy.Schema) {
		schemas++
		if s == nil {
			t.Errorf("%s has no schema", path)
			return
		}
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
			if s.Members[i].WireName == "" {
				t.Errorf("%s.%s has no name on the wire", path, s.Members[i].Name)
			}
		}
	})
	t.Logf("%d schemas, %d patterns of which %d translated", schemas, patterns, translated)
	if patterns < 250 || translated < 10 {
		t.Errorf("%d patterns, %d translated: the walk misses some", patterns, translated)
	}
}

// TestUnimplemented calls every operation of the embeddable implementations.
func TestUnimplemented(t *testing.T) {
	t.Parallel()
	impls := map[string]any{
		"bedrock": bedrock.Unimplemented{}, "bedrock-agent": bedrockagent.Unimplemented{},
		"bedrock-agent-runtime": bedrockagentruntime.Unimplemented{}, "bedrock-runtime": bedrockruntime.Unimplemented{},
		"iam": iam.Unimplemented{}, "logs": logs.Unimplemented{}, "monitoring": monitoring.Unimplemented{}, "sts": sts.Unimplemented{},
	}
	eachOperation(t, func(t *testing.T, svc *smithy.Service, op *smithy.Operation) {
		_, err := op.Invoke(t.Context(), impls[svc.Name], op.NewInput())
		got, ok := errors.AsType[*smithy.NotImplementedError](err)
		if !ok || *got != (smithy.NotImplementedError{Service: svc.Name, Operation: op.Name}) {
			t.Errorf("%s: got %v", op.Name, err)
		}
		if _, err := op.Invoke(t.Context(), struct{}{}, op.NewInput()); err == nil {
			t.Errorf("%s: anything implements it", op.Name)
		}
		if _, err := op.Invoke(t.Context(), impls[svc.Name], nil); err == nil {
			t.Errorf("%s: no input is an input", op.Name)
		}
	})
}

// TestOperationCounts names what is generated in numbers, so that a change of the
// release or of the list is noticed.
func TestOperationCounts(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	for _, svc := range gen.Models() {
		got[svc.Name] = len(svc.Operations)
	}
	want := map[string]int{
		"bedrock": 108, "bedrock-agent": 86, "bedrock-agent-runtime": 35, "bedrock-runtime": 11,
		"iam": 37, "logs": 13, "monitoring": 11, "sts": 3,
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
}

// TestErrorStatus holds the statuses that clients act on and that differ by service.
func TestErrorStatus(t *testing.T) {
	t.Parallel()
	everywhere := map[string]int{
		"AccessDeniedException": 403, "ResourceNotFoundException": 404, "ThrottlingException": 429,
		"ValidationException": 400, "InternalServerException": 500,
	}
	own := map[string]map[string]int{
		"bedrock": {
			"ConflictException": 400, "ResourceInUseException": 400, "ServiceQuotaExceededException": 400,
			"TooManyTagsException": 400, "ServiceUnavailableException": 503,
		},
		"bedrock-runtime": {
			"ConflictException": 400, "ServiceQuotaExceededException": 400, "ModelTimeoutException": 408,
			"ModelErrorException": 424, "ModelStreamErrorException": 424, "ModelNotReadyException": 429,
			"ServiceUnavailableException": 503,
		},
		"bedrock-agent": {"ConflictException": 409, "ServiceQuotaExceededException": 402},
		"bedrock-agent-runtime": {
			"ConflictException": 409, "ServiceQuotaExceededException": 400, "DependencyFailedException": 424,
			"ModelNotReadyException": 424, "BadGatewayException": 502,
		},
	}
	for _, svc := range gen.Models() {
		if own[svc.Name] == nil {
			continue
		}
		want := maps.Clone(everywhere)
		maps.Copy(want, own[svc.Name])
		got := map[string]int{}
		for _, op := range svc.Operations {
			for _, e := range op.Errors {
				got[e.Error] = e.Status
			}
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: got -, want +:\n%s", svc.Name, diff)
		}
	}
}

// TestPatternsAsRegexp compares each pattern's matcher with package regexp.
func TestPatternsAsRegexp(t *testing.T) {
	t.Parallel()
	samples := []string{
		"", "a", "A1", "abc", "a_b-c", "abc.def", "my name", "é", "two\nlines", "0123456789", "ABCDEFGHIJ", "123456789012",
		"DRAFT", "1", "s3://bucket/key", "/", "/path/", "anthropic.claude-3-5-sonnet-20241022-v2:0", "a@b.c", strings.Repeat("x", 300),
		"arn:aws:iam::123456789012:role/Name", "arn:aws:bedrock:us-east-1:123456789012:agent/ABCDEFGHIJ",
		"arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0",
		"arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
		"arn:aws:lambda:us-east-1:123456789012:function:name", "arn:aws:s3:::bucket", "https://example.com/a?b=c",
	}
	n := 0
	walkSchemas(func(_ string, s *smithy.Schema) {
		p := s.Pattern
		if p == nil || p.All != nil {
			return
		}
		re, err := regexp.Compile(`\A(?:` + p.Expr + `)\z`)
		if err != nil {
			t.Errorf("%s: %v", p.Expr, err)
			return
		}
		n++
		for _, v := range samples {
			if got, want := p.Match(v), re.MatchString(v); got != want {
				t.Errorf("%s matches %q: got %v, want %v", p.Expr, v, got, want)
			}
		}
	})
	if n < 250 {
		t.Errorf("only %d patterns", n)
	}
}
