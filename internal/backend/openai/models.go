package openai

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/outcrop-ai/outcrop/internal/backend/upstream"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Models returns the names of the server's models in its order, by GET /models.
func (b *Backend) Models(ctx context.Context) ([]string, error) {
	list, err := b.list(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list))
	for _, m := range list {
		if m.ID != "" {
			names = append(names, m.ID)
		}
	}
	return names, nil
}

type listedModel struct {
	ID      string `json:"id"`
	OwnedBy string `json:"owned_by"`
}

func (b *Backend) list(ctx context.Context) ([]listedModel, error) {
	data, err := b.exchange(ctx, &upstream.Request{URL: b.models})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data *[]listedModel `json:"data"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.Data == nil {
		return nil, fault.Wrap(fault.ModelError, err, "The server's list of models cannot be read; is it an OpenAI-compatible API?")
	}
	return *answer.Data, nil
}

func asFault(err error) *fault.Error {
	e, _ := errors.AsType[*fault.Error](err)
	return e
}
