// Package runtime answers the operations of bedrock-runtime: it turns Converse's and
// the providers' request bodies into the vocabulary of package llm, asks the spine, and
// turns the answer back. Everything that is not about form is the gateway's.
package runtime

import (
	"iter"

	"github.com/outcrop-ai/outcrop/internal/api/exception"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Models is the spine as this room sees it.
type Models interface {
	llm.ChatModel
	llm.TokenCounter
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
