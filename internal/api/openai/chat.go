package openai

import (
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/api/access"
	"github.com/outcrop-ai/outcrop/internal/api/door"
	"github.com/outcrop-ai/outcrop/internal/arn"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/openai"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// chat answers POST /openai/v1/chat/completions.
func (o operations) chat(w http.ResponseWriter, r *http.Request, read door.Body) error {
	ctx := r.Context()
	body, err := read()
	if err != nil {
		return o.cfg.Models.Refuse(ctx, "", err)
	}
	req, err := dialect.DecodeRequest(body)
	if err != nil {
		return o.cfg.Models.Refuse(ctx, door.ModelIn(body), err)
	}
	if door.Unknown(ctx, o.cfg.Catalog, req.Chat.Model) {
		return o.cfg.Models.Refuse(ctx, req.Chat.Model, unknown(req.Chat.Model))
	}
	c := call.From(ctx)
	info := dialect.Info{ID: "chatcmpl-" + c.RequestID, Model: req.Chat.Model, Created: c.Start}
	answer := o.cfg.Models.Chat(ctx, req.Chat)
	if req.Chat.Stream {
		return door.Relay(w, answer, stream{dialect.NewStreamEncoder(info, req.IncludeUsage)})
	}
	resp, err := llm.Collect(answer)
	if err != nil {
		return err
	}
	door.WriteJSON(w, dialect.AppendResponse(nil, resp, info))
	return nil
}

// unknown is the error of a model that there is not.
func unknown(id string) error {
	return fault.Errorf(fault.NotFound, "The model '%s' does not exist.", door.Clip(id))
}

// stream is the dialect's encoder as a door.Encoder.
type stream struct{ *dialect.StreamEncoder }

// Append implements door.Encoder.
func (s stream) Append(dst []byte, e llm.Event) ([]byte, error) {
	return s.StreamEncoder.Append(dst, e), nil
}

// models answers GET /openai/v1/models with the chat models of the caller's region.
func (o operations) models(w http.ResponseWriter, r *http.Request, _ door.Body) error {
	ctx := r.Context()
	c := call.From(ctx)
	if err := o.cfg.Authorize(ctx, c.Principal, access.Needs{Action: "bedrock:ListFoundationModels", Resources: []string{"*"}}); err != nil {
		return err
	}
	var list []dialect.Model
	for _, m := range o.cfg.Catalog.Models(c.Region, catalog.Filter{}) {
		if m.Chat() {
			list = append(list, entry(m))
		}
	}
	door.WriteJSON(w, dialect.AppendModels(nil, list))
	return nil
}

// model answers GET /openai/v1/models/{id}.
func (o operations) model(w http.ResponseWriter, r *http.Request, _ door.Body) error {
	ctx := r.Context()
	c := call.From(ctx)
	id := r.PathValue("id")
	resource := arn.Bedrock(c.Region, "", "foundation-model/"+id).String()
	if err := o.cfg.Authorize(ctx, c.Principal, access.Needs{Action: "bedrock:GetFoundationModel", Resources: []string{resource}}); err != nil {
		return err
	}
	m, err := o.cfg.Catalog.Model(c.Region, id)
	if err != nil || !m.Chat() {
		return unknown(id)
	}
	door.WriteJSON(w, dialect.AppendModel(nil, entry(m)))
	return nil
}

func entry(m *catalog.Model) dialect.Model {
	return dialect.Model{ID: m.ID, OwnedBy: m.Provider, Created: m.Start}
}
