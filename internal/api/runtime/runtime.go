// Package runtime answers the operations of bedrock-runtime: it turns Converse's and
// the providers' request bodies into the vocabulary of package llm, asks the spine, and
// turns the answer back. Everything that is not about form is the gateway's.
package runtime

import (
	"context"
	"iter"

	"github.com/outcrop-ai/outcrop/internal/api/exception"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Models is the spine as this room sees it.
type Models interface {
	llm.ChatModel
	llm.TokenCounter
	llm.Embedder
	// Refuse records a call that ends before it reaches Chat, and returns err.
	Refuse(ctx context.Context, model string, err error) error
}

// Service implements the generated interface; what it does not override answers that
// it is not implemented.
type Service struct {
	types.Unimplemented
	models  Models
	catalog *catalog.Catalog
}

// New returns the runtime over a spine. The catalog says which provider's body a model
// takes in InvokeModel.
func New(models Models, c *catalog.Catalog) *Service {
	return &Service{models: models, catalog: c}
}

// Invoked returns the model that an input asks an answer of, as it was written; ok is
// false for inputs of operations that invoke no model.
func Invoked(in smithy.Struct) (model string, ok bool) {
	switch in := in.(type) {
	case *types.ConverseRequest:
		return in.ModelID, true
	case *types.ConverseStreamRequest:
		return in.ModelID, true
	case *types.InvokeModelRequest:
		return in.ModelID, true
	case *types.InvokeModelWithResponseStreamRequest:
		return in.ModelID, true
	}
	return "", false
}

// inStream passes a stream on. An error before the first event is left for the protocol to
// report as the operation's; a later one becomes what may stand inside a stream.
func inStream[E any](events iter.Seq2[E, error]) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		begun := false
		for e, err := range events {
			if err != nil && begun {
				err = exception.InStream(err)
			}
			if !yield(e, err) || err != nil {
				return
			}
			begun = true
		}
	}
}
