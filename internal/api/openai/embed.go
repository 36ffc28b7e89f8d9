package openai

import (
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/api/door"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/openai"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Models is the spine as this door sees it.
type Models interface {
	door.Models
	llm.Embedder
}

// embed answers POST /openai/v1/embeddings.
func (o operations) embed(w http.ResponseWriter, r *http.Request, read door.Body) error {
	ctx := r.Context()
	body, err := read()
	if err != nil {
		return o.cfg.Models.Refuse(ctx, "", err)
	}
	req, err := dialect.DecodeEmbedRequest(body)
	if err != nil {
		return o.cfg.Models.Refuse(ctx, door.ModelIn(body), err)
	}
	if door.Unknown(ctx, o.cfg.Catalog, req.Embed.Model) {
		return o.cfg.Models.Refuse(ctx, req.Embed.Model, unknown(req.Embed.Model))
	}
	resp, err := o.cfg.Models.Embed(ctx, req.Embed)
	if err != nil {
		return err
	}
	door.WriteJSON(w, dialect.AppendEmbeddings(nil, req, resp))
	return nil
}
