package exception

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/gen"
	agent "github.com/outcrop-ai/outcrop/internal/gen/bedrockagent"
	runtimetypes "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// kinds are all of them.
var kinds = []fault.Kind{
	fault.Internal, fault.Invalid, fault.NotFound, fault.Conflict, fault.Denied, fault.Throttled, fault.QuotaExceeded,
	fault.Unavailable, fault.Timeout, fault.ModelError, fault.NotReady, fault.NotImplemented, fault.Canceled,
}

// shown returns the name and the status that a client gets.
func shown(t *testing.T, err error) (code string, status int, message string) {
	t.Helper()
	switch e := err.(type) { //nolint:errorlint // Map returns exceptions unwrapped
	case wire.APIError:
		return e.ErrorCode(), e.HTTPStatusCode(), e.ErrorMessage()
	case smithy.Struct:
		s := e.Schema()
		return s.Error, s.Status, strings.TrimPrefix(err.Error(), s.Error+": ")
	}
	t.Fatalf("%T is no exception", err)
	return "", 0, ""
}

// TestEveryKindOfEveryService wants an exception that the service's clients know.
func TestEveryKindOfEveryService(t *testing.T) {
	t.Parallel()
	for _, service := range gen.Models() {
		modelled := map[string]bool{}
		for _, op := range service.Operations {
			for _, e := range op.Errors {
				modelled[e.Error] = true
			}
		}
		m := For(service.Name)
		for _, k := range kinds {
			code, status, message := shown(t, m.Map(fault.Errorf(k, "Read this.")))
			if k == fault.Internal {
				if message != internalText || status != 500 {
					t.Errorf("%s: an internal error shows %d %q", service.Name, status, message)
				}
				continue
			}
			if status < 400 || status > 599 || code == "" || message == "" {
				t.Errorf("%s, %s: %s %d %q", service.Name, k, code, status, message)
			}
			if _, known := m.kinds[k]; known && message != "Read this." {
				t.Errorf("%s, %s: the text is %q", service.Name, k, message)
			}
			if strings.HasPrefix(service.Name, "bedrock") && !modelled[code] {
				t.Errorf("%s, %s: %s is no exception of its model", service.Name, k, code)
			}
		}
	}
}

// TestStatuses compares with AWS's, which differ by service.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		service string
		kind    fault.Kind
		code    string
		status  int
	}{
		{"bedrock", fault.Conflict, "ConflictException", 400},
		{"bedrock", fault.QuotaExceeded, "ServiceQuotaExceededException", 400},
		{"bedrock", fault.Unavailable, "ServiceUnavailableException", 503},
		{"bedrock-runtime", fault.Invalid, "ValidationException", 400},
		{"bedrock-runtime", fault.Denied, "AccessDeniedException", 403},
		{"bedrock-runtime", fault.NotFound, "ResourceNotFoundException", 404},
		{"bedrock-runtime", fault.Throttled, "ThrottlingException", 429},
		{"bedrock-runtime", fault.Timeout, "ModelTimeoutException", 408},
		{"bedrock-runtime", fault.ModelError, "ModelErrorException", 424},
		{"bedrock-runtime", fault.NotReady, "ModelNotReadyException", 429},
		{"bedrock-runtime", fault.Unavailable, "ServiceUnavailableException", 503},
		{"bedrock-runtime", fault.QuotaExceeded, "ServiceQuotaExceededException", 400},
		{"bedrock-agent", fault.Conflict, "ConflictException", 409},
		{"bedrock-agent", fault.QuotaExceeded, "ServiceQuotaExceededException", 402},
		{"bedrock-agent-runtime", fault.Conflict, "ConflictException", 409},
		{"bedrock-agent-runtime", fault.QuotaExceeded, "ServiceQuotaExceededException", 400},
		{"bedrock-agent-runtime", fault.NotReady, "ModelNotReadyException", 424},
		{"bedrock-agent-runtime", fault.Unavailable, "BadGatewayException", 502},
		{"bedrock-agent-runtime", fault.Timeout, "DependencyFailedException", 424},
		{"sts", fault.Denied, "AccessDenied", 403},
		{"nobody's", fault.Throttled, "Throttling", 400},
	} {
		code, status, _ := shown(t, For(tc.service).Map(fault.Errorf(tc.kind, "x")))
		if code != tc.code || status != tc.status {
			t.Errorf("%s, %s: %s %d, want %s %d", tc.service, tc.kind, code, status, tc.code, tc.status)
		}
	}
}

func TestMap(t *testing.T) {
	t.Parallel()
	m := For("bedrock-runtime")
	secret := errors.New("the password is swordfish")
	for name, tc := range map[string]struct {
		err  error
		code string
		says string
	}{
		"nobody's error":      {secret, "InternalServerException", internalText},
		"a fault's cause":     {fault.Wrap(fault.Invalid, secret, "Wrong."), "ValidationException", "Wrong."},
		"a wrapped fault":     {fmt.Errorf("chat: %w", fault.Errorf(fault.Throttled, "Slowly.")), "ThrottlingException", "Slowly."},
		"a fault of no words": {&fault.Error{Kind: fault.Timeout, Err: secret}, "ModelTimeoutException", "timed out"},
		"a deadline":          {context.DeadlineExceeded, "ModelTimeoutException", "timed out"},
		"a cancelled context": {context.Canceled, "InternalServerException", "canceled"},
		"an exception":        {&runtimetypes.ThrottlingException{Message: "As it is."}, "ThrottlingException", "As it is."},
		"not built":           {&smithy.NotImplementedError{Service: "bedrock-runtime", Operation: "ApplyGuardrail"}, "ValidationException", "ApplyGuardrail is not implemented by Outcrop yet"},
	} {
		code, _, message := shown(t, m.Map(tc.err))
		if code != tc.code || !strings.Contains(message, tc.says) || strings.Contains(message, "swordfish") {
			t.Errorf("%s: %s %q, want %s %q", name, code, message, tc.code, tc.says)
		}
	}
	e, _ := m.Map(&fault.Error{Kind: fault.ModelError, Message: "x", OriginalStatus: 503, Resource: "arn:x"}).(*runtimetypes.ModelErrorException) //nolint:errorlint // as Map returns it
	if e == nil || e.OriginalStatusCode == nil || *e.OriginalStatusCode != 503 || e.ResourceName != "arn:x" {
		t.Errorf("a model's error: %+v", e)
	}
}

// TestFieldList wants the members that bedrock-agent's clients read one by one.
func TestFieldList(t *testing.T) {
	t.Parallel()
	err := smithy.ReadValid(empty{}, &agent.CreateAgentRequest{})
	e, ok := For("bedrock-agent").Map(err).(*agent.ValidationException) //nolint:errorlint // as Map returns it
	if !ok || len(e.FieldList) != 1 || e.FieldList[0].Name != "agentName" || e.FieldList[0].Message == "" {
		t.Errorf("%v becomes %+v", err, e)
	}
	if !Known(err) || Known(fault.Errorf(fault.Internal, "x")) {
		t.Error("Known is wrong")
	}
}

// empty is a reader of a value that holds nothing.
type empty struct{ smithy.Reader }

func (empty) Struct(smithy.Struct) error { return nil }

// TestInStream wants nothing in a stream that a stream cannot have.
func TestInStream(t *testing.T) {
	t.Parallel()
	may := map[string]bool{}
	schema := (&runtimetypes.ConverseStreamOutput{}).Schema()
	for i := range schema.Members {
		if target := schema.Members[i].Schema; target != nil && target.Error != "" {
			may[target.Error] = true
		}
	}
	if len(may) != 5 {
		t.Fatalf("a stream may have %v", may)
	}
	for _, k := range kinds {
		code, _, message := shown(t, InStream(&fault.Error{Kind: k, Message: "Read this.", OriginalStatus: 500}))
		if !may[code] || message == "" {
			t.Errorf("%s: %s %q", k, code, message)
		}
	}
	for k, want := range map[fault.Kind]string{
		fault.ModelError: "ModelStreamErrorException", fault.Timeout: "ModelStreamErrorException", fault.Throttled: "ThrottlingException",
		fault.Denied: "ValidationException", fault.Internal: "InternalServerException", fault.Unavailable: "ServiceUnavailableException",
	} {
		if code, _, _ := shown(t, InStream(fault.Errorf(k, "x"))); code != want {
			t.Errorf("%s: %s, want %s", k, code, want)
		}
	}
}
