package gateway

import (
	"context"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Access is what a call needs to be allowed.
type Access struct {
	// Actions are names for the same thing: it is enough that a policy allows one
	// of them for a resource, and an explicit deny of any of them refuses. The
	// first is the one that a refusal names.
	Actions []string
	// Resources have to be allowed, every one.
	Resources []string
	// Context holds condition keys beside those that any request has; may be nil.
	Context map[string][]string
}

// Authorizer decides whether a principal may do something. A refusal is a fault of
// kind Denied in AWS's wording. It is safe for concurrent use.
type Authorizer interface {
	Authorize(ctx context.Context, p call.Principal, a Access) error
}

// The actions, as IAM names them. Converse is asked as InvokeModel, its documented
// permission; a policy that names bedrock:Converse is believed too.
var (
	invoke         = []string{"bedrock:InvokeModel"}
	invokeStream   = []string{"bedrock:InvokeModelWithResponseStream"}
	converse       = []string{"bedrock:InvokeModel", "bedrock:Converse"}
	converseStream = []string{"bedrock:InvokeModelWithResponseStream", "bedrock:ConverseStream"}
	countTokens    = []string{"bedrock:CountTokens"}
)

func chatActions(operation string, stream bool) []string {
	switch {
	case operation == "Converse":
		return converse
	case operation == "ConverseStream":
		return converseStream
	case stream:
		return invokeStream
	default:
		return invoke
	}
}

// conditionKeys returns the keys that only a model call has.
func conditionKeys(m *catalog.Resolved, guard *llm.GuardrailConfig) map[string][]string {
	if m.Profile == "" && guard == nil {
		return nil
	}
	keys := map[string][]string{}
	if m.Profile != "" {
		keys["bedrock:InferenceProfileArn"] = []string{m.Profile}
	}
	if guard != nil {
		keys["bedrock:GuardrailIdentifier"] = []string{guard.ID}
	}
	return keys
}
