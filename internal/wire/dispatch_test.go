package wire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrock"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockagent"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockagentruntime"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/gen/iam"
	"github.com/outcrop-ai/outcrop/internal/gen/sts"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire"
	"github.com/outcrop-ai/outcrop/internal/wire/route"
)

// where returns the operation that a request reaches.
func where(t *testing.T, method, target string, header ...string) (op string, w *httptest.ResponseRecorder) {
	t.Helper()
	h := newHandler(t, wire.Config{
		Services: []wire.Service{
			{Model: &bedrock.Model, Impl: bedrock.Unimplemented{}},
			{Model: &bedrockruntime.Model, Impl: bedrockruntime.Unimplemented{}},
			{Model: &bedrockagent.Model, Impl: bedrockagent.Unimplemented{}},
			{Model: &bedrockagentruntime.Model, Impl: bedrockagentruntime.Unimplemented{}},
			{Model: &sts.Model, Impl: sts.Unimplemented{}},
			{Model: &iam.Model, Impl: iam.Unimplemented{}},
		},
		// Errors come first with what dispatch found out.
		MapError: func(string, error) error { return nil },
		Authorize: func(_ context.Context, c *call.Call, _ *smithy.Operation, _ smithy.Struct) error {
			op = c.Service + "." + c.Operation
			return nil
		},
		Authenticate: func(_ context.Context, r *wire.AuthRequest) (wire.Identity, error) {
			op = r.Service + "." + r.Operation
			return wire.Identity{}, nil
		},
	})
	body := ""
	if len(header)%2 == 1 {
		body, header = header[len(header)-1], header[:len(header)-1]
	}
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return op, w
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	bedrockScope := signedFor("bedrock", "eu-west-1")
	for _, tc := range []struct {
		name, method, target, want string
		header                     []string
	}{
		{"signed", "GET", "/foundation-models", "bedrock.ListFoundationModels", []string{"Authorization", bedrockScope}},
		{"by path", "GET", "/foundation-models", "bedrock.ListFoundationModels", nil},
		{"bearer", "GET", "/foundation-models", "bedrock.ListFoundationModels", []string{"Authorization", "Bearer abc"}},
		{"encoded colon", "GET", "/foundation-models/anthropic.claude-v1%3A0", "bedrock.GetFoundationModel", nil},
		{"plain colon", "GET", "/foundation-models/anthropic.claude-v1:0", "bedrock.GetFoundationModel", nil},
		{"ARN in a label", "GET", "/foundation-models/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fx.y-v1%3A0", "bedrock.GetFoundationModel", nil},
		{"agents, slash", "POST", "/agents/ABCDEFGHIJ/", "bedrock-agent.PrepareAgent", nil},
		{"agents, no slash", "POST", "/agents/session-1", "bedrock-agent-runtime.InvokeInlineAgent", nil},
		{"flows, slash", "POST", "/flows/ABCDEFGHIJ/", "bedrock-agent.PrepareFlow", nil},
		{"agent's tags", "GET", "/tags/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aagent%2FABCDEFGHIJ", "bedrock-agent.ListTagsForResource", nil},
		{"session's tags", "GET", "/tags/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Asession%2F12345678-1234-1234-1234-123456789012", "bedrock-agent-runtime.ListTagsForResource", nil},
		{"sts form", "POST", "/", "sts.GetCallerIdentity", []string{
			"Authorization", signedFor("sts", "us-east-1"), "Content-Type", form + "; charset=utf-8", "Action=GetCallerIdentity&Version=2011-06-15",
		}},
		{"sts presigned", "GET", "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Credential=AKID%2F20261122%2Fus-east-1%2Fsts%2Faws4_request", "sts.GetCallerIdentity", nil},
		{"iam form", "POST", "/", "iam.ListUsers", []string{
			"Authorization", signedFor("iam", "us-east-1"), "Content-Type", form, "Action=ListUsers&Version=2010-05-08",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, w := where(t, tc.method, tc.target, tc.header...)
			if got != tc.want {
				t.Errorf("reached %q, want %q; %d %s", got, tc.want, w.Code, w.Body)
			}
		})
	}
}

func TestUnknownOperation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		method, target, scope, text string
	}{
		{"GET", "/nothing/here", "", "No operation is at GET /nothing/here."},
		{"GET", "/model/x/converse", "", "That path takes POST."},
		{"POST", "/model/x/converse", "elasticache", `No service here is signed for as \"elasticache\".`},
		{"POST", "/model/x/converse", "sts", "No operation is at POST"},
		{"BREW", "/model/x/converse", "", "That path takes POST."},
		// Signed as /converse and /model/converse.
		{"POST", "/model/../converse", "", "No operation is at POST /model/../converse."},
		{"POST", "/model/./converse", "", "No operation"},
		{"GET", "/" + strings.Repeat("a/", 5000), "", "No operation"},
	} {
		var header []string
		if tc.scope != "" {
			header = []string{"Authorization", signedFor(tc.scope, "us-east-1")}
		}
		_, w := where(t, tc.method, tc.target, header...)
		if w.Code != http.StatusNotFound || w.Header().Get("X-Amzn-Errortype") != "UnknownOperationException" {
			t.Errorf("%s %s: %d %v", tc.method, clip(tc.target), w.Code, w.Header())
		}
		if !strings.Contains(w.Body.String(), tc.text) {
			t.Errorf("%s %s: %s, want %q in it", tc.method, clip(tc.target), w.Body, tc.text)
		}
	}
}

func clip(s string) string { return s[:min(len(s), 60)] }

// TestEveryRoute reaches each operation of each service by a path made of its URI.
func TestEveryRoute(t *testing.T) {
	t.Parallel()
	n := 0
	for _, m := range []*smithy.Service{&bedrock.Model, &bedrockruntime.Model, &bedrockagent.Model, &bedrockagentruntime.Model} {
		for _, op := range m.Operations {
			n++
			path := op.URI
			for _, l := range route.Labels(op.URI) {
				value := "abc%2Fdef:0"
				if op.URI == "/tags/{resourceArn}" && m == &bedrockagentruntime.Model {
					value = "arn:aws:bedrock:us-east-1:123456789012:session%2Fx"
				}
				path = strings.Replace(path, "{"+l+"}", value, 1)
			}
			got, w := where(t, op.Method, path)
			if got != m.Name+"."+op.Name {
				t.Errorf("%s %s: reached %q, want %s.%s; %d %s", op.Method, path, got, m.Name, op.Name, w.Code, w.Body)
			}
		}
	}
	t.Logf("%d operations", n)
}
