package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/chat"
	"github.com/outcrop-ai/outcrop/internal/engine/sample"
	"github.com/outcrop-ai/outcrop/internal/engine/sched"
	"github.com/outcrop-ai/outcrop/internal/engine/token"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// ChatRequest is what a Generator answers.
type ChatRequest = llm.ChatRequest

// prompt is a conversation in tokens.
type prompt struct {
	*chat.Prompt
	ids    []int32
	points []sched.CachePoint // that the caller set, in order
}

func (g *Generator) prompt(ctx context.Context, req *llm.ChatRequest) (*prompt, error) {
	if len(req.Messages) == 0 {
		return nil, fault.Errorf(fault.Invalid, "A conversation must have at least one message.")
	}
	c, err := g.format.Prompt(ctx, req)
	if err != nil {
		return nil, err
	}
	p := &prompt{Prompt: c}
	segments := make([]token.Segment, len(c.Segments))
	for i, s := range c.Segments {
		segments[i] = token.Segment(s)
	}
	p.ids = g.codec.Encode(nil, segments...)
	for i, ttl := range cachePoints(req) {
		if i < len(c.Cache) {
			point := sched.CachePoint{Tokens: g.shared(segments[:c.Cache[i]], p.ids)}
			if ttl == "1h" {
				point.For = time.Hour
			}
			p.points = append(p.points, point)
		}
	}
	if len(p.ids) == 0 {
		return nil, fault.Errorf(fault.Invalid, "The conversation has no text that the model could continue.")
	}
	return p, nil
}

// shared returns how many of ids a beginning of the prompt has. The last tokens of the
// beginning may join with what follows them, and then they don't count.
func (g *Generator) shared(beginning []token.Segment, ids []int32) int {
	own, n := g.codec.Encode(nil, beginning...), 0
	for n < min(len(own), len(ids)) && own[n] == ids[n] {
		n++
	}
	return n
}

// cachePoints returns the times to live of a request's cache points, in the order of
// the prompt: tools, system, messages.
func cachePoints(req *llm.ChatRequest) (ttls []string) {
	blocks := func(list []llm.Block) {
		for _, b := range list {
			if p, ok := b.(*llm.CachePoint); ok {
				ttls = append(ttls, p.TTL)
			}
		}
	}
	if req.ToolCachePoint != nil {
		ttls = append(ttls, req.ToolCachePoint.TTL)
	}
	blocks(req.System)
	for i := range req.Messages {
		blocks(req.Messages[i].Content)
	}
	return ttls
}

// cacheTo is how many tokens stand before the last cache point.
func (p *prompt) cacheTo() int {
	if len(p.points) == 0 {
		return 0
	}
	return p.points[len(p.points)-1].Tokens
}

// Sampling for models whose files advise nothing.
const (
	usualTemperature = 0.7
	usualTopP        = 0.95
)

// extra are the fields of additionalModelRequestFields that this engine knows.
type extra struct {
	TopK             *int     `json:"top_k"`
	MinP             *float64 `json:"min_p"`
	RepeatPenalty    *float64 `json:"repetition_penalty"`
	FrequencyPenalty *float64 `json:"frequency_penalty"`
	PresencePenalty  *float64 `json:"presence_penalty"`
	Seed             *int64   `json:"seed"`
	// Variables are the chat template's; package chat reads them.
	Variables json.RawMessage `json:"chat_template_kwargs"`
}

// sampling returns the sampling parameters of a request: its own, else the model's,
// else the usual ones.
func (g *Generator) sampling(req *llm.ChatRequest) (sample.Params, error) {
	var x extra
	if len(req.Extra) > 0 {
		dec := json.NewDecoder(bytes.NewReader(req.Extra))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&x); err != nil {
			return sample.Params{}, fault.Errorf(fault.Invalid, "Malformed input request: additionalModelRequestFields: %s. This model takes top_k, min_p, repetition_penalty, frequency_penalty, presence_penalty, seed and chat_template_kwargs.", jsonProblem(err))
		}
	}
	inf, d := req.Inference, g.defaults
	p := sample.Params{
		Temperature:      first(usualTemperature, inf.Temperature, d.Temperature),
		TopP:             first(usualTopP, inf.TopP, d.TopP),
		TopK:             first(0, x.TopK, inf.TopK, d.TopK),
		MinP:             first(0, x.MinP, d.MinP),
		RepeatPenalty:    first(0, x.RepeatPenalty, d.RepeatPenalty),
		FrequencyPenalty: first(0, x.FrequencyPenalty),
		PresencePenalty:  first(0, x.PresencePenalty),
	}
	if inf.Temperature == nil && d.Sample != nil && !*d.Sample {
		p.Temperature = 0
	}
	if seed := first(0, x.Seed, inf.Seed); x.Seed != nil || inf.Seed != nil {
		p.Seed = uint64(seed) //nolint:gosec // any 64 bits will do
	} else {
		p.Seed = rand.Uint64() //nolint:gosec // chooses words, guards nothing
	}
	if err := p.Validate(); err != nil {
		return p, fault.Errorf(fault.Invalid, "Malformed input request: %s.", err)
	}
	return p, nil
}

// first returns the first value that is given.
func first[T any](otherwise T, values ...*T) T {
	for _, v := range values {
		if v != nil {
			return *v
		}
	}
	return otherwise
}

// jsonProblem is what a decoder says, without its package's name.
func jsonProblem(err error) string {
	return string(bytes.TrimPrefix(fmt.Append(nil, err), []byte("json: ")))
}
