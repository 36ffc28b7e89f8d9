package anthropic

import (
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/api/door"
	"github.com/outcrop-ai/outcrop/internal/call"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/anthropic"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// The headers that say how a body is to be read.
const (
	versionHeader = "Anthropic-Version"
	betaHeader    = "Anthropic-Beta"
)

// messages answers POST /anthropic/v1/messages.
func (o operations) messages(w http.ResponseWriter, r *http.Request, read door.Body) error {
	ctx := r.Context()
	body, err := read()
	if err != nil {
		return o.cfg.Models.Refuse(ctx, "", err)
	}
	req, err := dialect.DecodeRequest(body, dialect.Direct, r.Header.Get(versionHeader))
	if err == nil {
		err = dialect.AddBetas(req, r.Header.Values(betaHeader))
	}
	if err == nil && door.Unknown(ctx, o.cfg.Catalog, req.Model) {
		err = unknown(req.Model)
	}
	if err != nil {
		return o.cfg.Models.Refuse(ctx, door.ModelIn(body), err)
	}
	answer := o.cfg.Models.Chat(ctx, req)
	if req.Stream {
		c := call.From(ctx)
		enc := &dialect.StreamEncoder{Form: dialect.Direct, Model: req.Model, Start: c.Start}
		return door.Relay(w, answer, stream{enc, c.RequestID})
	}
	resp, err := llm.Collect(answer)
	if err != nil {
		return err
	}
	out, err := dialect.EncodeResponse(resp, req.Model)
	if err != nil {
		return err
	}
	door.WriteJSON(w, out)
	return nil
}

// unknown is the error of a model that there is not.
func unknown(id string) error { return fault.Errorf(fault.NotFound, "model: %s", door.Clip(id)) }

// count answers POST /anthropic/v1/messages/count_tokens.
func (o operations) count(w http.ResponseWriter, r *http.Request, read door.Body) error {
	ctx := r.Context()
	body, err := read()
	if err != nil {
		return err
	}
	req, err := dialect.DecodeCountRequest(body, dialect.Direct, r.Header.Get(versionHeader))
	if err != nil {
		return err
	}
	if err := dialect.AddBetas(req, r.Header.Values(betaHeader)); err != nil {
		return err
	}
	if door.Unknown(ctx, o.cfg.Catalog, req.Model) {
		return unknown(req.Model)
	}
	n, err := o.cfg.Models.CountTokens(ctx, req)
	if err != nil {
		return err
	}
	out, err := dialect.EncodeCount(n)
	if err != nil {
		return err
	}
	door.WriteJSON(w, out)
	return nil
}

// stream is the dialect's encoder as a door.Encoder.
type stream struct {
	enc       *dialect.StreamEncoder
	requestID string
}

// Append implements door.Encoder.
func (s stream) Append(dst []byte, e llm.Event) ([]byte, error) {
	chunks, err := s.enc.Encode(e)
	for _, c := range chunks {
		dst = appendEvent(dst, c.Name, c.Data)
	}
	return dst, err
}

// AppendError implements door.Encoder.
func (s stream) AppendError(dst []byte, err error) []byte {
	return appendEvent(dst, "error", failure(err, s.requestID).Body)
}

// AppendDone implements door.Encoder: message_stop was the end.
func (s stream) AppendDone(dst []byte) []byte { return dst }

func appendEvent(dst []byte, name string, data []byte) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, name...)
	dst = append(dst, "\ndata: "...)
	dst = append(dst, data...)
	return append(dst, "\n\n"...)
}
