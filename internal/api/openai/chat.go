package openai

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/outcrop-ai/outcrop/internal/api/access"
	"github.com/outcrop-ai/outcrop/internal/arn"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/openai"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// chat answers POST /openai/v1/chat/completions.
func (d *Door) chat(w http.ResponseWriter, r *http.Request, read reader) error {
	body, err := read()
	if err != nil {
		return d.cfg.Models.Refuse(r.Context(), "", err)
	}
	req, err := dialect.DecodeRequest(body)
	if err != nil {
		return d.cfg.Models.Refuse(r.Context(), named(body), err)
	}
	c := call.From(r.Context())
	info := dialect.Info{ID: "chatcmpl-" + c.RequestID, Model: req.Chat.Model, Created: c.Start}
	if req.Chat.Stream {
		return d.stream(w, r, req, info)
	}
	resp, err := llm.Collect(d.cfg.Models.Chat(r.Context(), req.Chat))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(dialect.AppendResponse(nil, resp, info)) // a client that left reads nothing
	return nil
}

// named returns the model that a body names, if so much of it can be read.
func named(body []byte) string {
	var b struct{ Model string }
	_ = json.Unmarshal(body, &b) // a model is found or not
	return b.Model
}

// stream sends the answer as server-sent events. An error before the first is an
// ordinary error response; a later one breaks the stream off.
func (d *Door) stream(w http.ResponseWriter, r *http.Request, req *dialect.Request, info dialect.Info) error {
	rc := http.NewResponseController(w)
	enc := dialect.NewStreamEncoder(info, req.IncludeUsage)
	var buf []byte
	begun := false
	send := func() error {
		if !begun {
			begun = true
			h := w.Header()
			h.Set("Content-Type", "text/event-stream")
			h.Set("Cache-Control", "no-cache")
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
		return rc.Flush()
	}
	for e, err := range d.cfg.Models.Chat(r.Context(), req.Chat) {
		if err != nil && !begun {
			return err
		}
		if err != nil {
			buf = enc.AppendError(buf[:0], err)
			_ = send() // nobody to tell when the client left
			return nil
		}
		if buf = enc.Append(buf, e); len(buf) == 0 {
			continue
		}
		if send() != nil {
			return nil // the client left; ending the loop cancels the upstream
		}
	}
	buf = enc.AppendDone(buf)
	_ = send() // the answer is complete either way
	return nil
}

// models answers GET /openai/v1/models with the chat models of the caller's region.
func (d *Door) models(w http.ResponseWriter, r *http.Request, _ reader) error {
	ctx := r.Context()
	c := call.From(ctx)
	if err := d.cfg.Authorize(ctx, c.Principal, access.Needs{Action: "bedrock:ListFoundationModels", Resources: []string{"*"}}); err != nil {
		return err
	}
	var list []dialect.Model
	for _, m := range d.cfg.Catalog.Models(c.Region, catalog.Filter{}) {
		if m.Chat() {
			list = append(list, entry(m))
		}
	}
	return writeJSON(w, dialect.AppendModels(nil, list))
}

// model answers GET /openai/v1/models/{id}.
func (d *Door) model(w http.ResponseWriter, r *http.Request, _ reader) error {
	ctx := r.Context()
	c := call.From(ctx)
	id := r.PathValue("id")
	resource := arn.Bedrock(c.Region, "", "foundation-model/"+id).String()
	if err := d.cfg.Authorize(ctx, c.Principal, access.Needs{Action: "bedrock:GetFoundationModel", Resources: []string{resource}}); err != nil {
		return err
	}
	m, err := d.cfg.Catalog.Model(c.Region, id)
	if err != nil || !m.Chat() {
		return fault.Errorf(fault.NotFound, "The model '%s' does not exist.", clip(id))
	}
	return writeJSON(w, dialect.AppendModel(nil, entry(m)))
}

func entry(m *catalog.Model) dialect.Model {
	return dialect.Model{ID: m.ID, OwnedBy: m.Provider, Created: m.Start}
}

func writeJSON(w http.ResponseWriter, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) //nolint:gosec // JSON, and said to be; a client that left reads nothing
	return nil
}

// unauthorized is a failure of authentication in OpenAI's form.
func unauthorized(e wire.APIError) []byte {
	var body struct {
		Error struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    string  `json:"code"`
		} `json:"error"`
	}
	body.Error.Message = e.ErrorMessage()
	body.Error.Type = "invalid_request_error"
	body.Error.Code = "invalid_api_key"
	out, err := json.Marshal(body)
	if err != nil {
		return []byte(`{"error":{}}`) // strings always marshal
	}
	return out
}

func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
