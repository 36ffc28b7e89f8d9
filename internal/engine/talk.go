package engine

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/chat"
	"github.com/outcrop-ai/outcrop/internal/engine/sched"
	"github.com/outcrop-ai/outcrop/internal/engine/token"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Chat answers a conversation, as llm.ChatModel says. Cached prompts are shared among
// the requests of one owner; fairness is between owners.
func (g *Generator) Chat(ctx context.Context, owner string, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		p, err := g.prompt(ctx, req)
		if err != nil {
			yield(nil, err)
			return
		}
		r := sched.Request{
			Logprobs: req.Logprobs != nil,
			Prompt:   p.ids, MaxTokens: req.Inference.MaxTokens, Ends: g.ends, Owner: owner, CachePoints: p.points,
		}
		if req.Logprobs != nil {
			r.TopLogprobs = *req.Logprobs
		}
		if r.Sampling, err = g.sampling(req); err == nil {
			r.Constraint, err = g.constraint(p, req)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		run, err := g.sched.Start(ctx, r)
		if err != nil {
			yield(nil, g.refusal(err, len(p.ids)))
			return
		}
		t := &talk{
			g: g, yield: yield, run: run, prompt: p, model: req.Model, logs: req.Logprobs != nil,
			decoder: g.codec.NewDecoder(), parser: g.format.NewParser(p.Prompt, req),
			stops: stopper{sequences: slices.Concat(req.Inference.StopSequences, g.marks)},
		}
		t.decoder.After(p.ids)
		t.answer()
	}
}

// refusal is what a request is told that the scheduler does not take.
func (g *Generator) refusal(err error, tokens int) error {
	switch {
	case errors.Is(err, sched.ErrFull):
		return &fault.Error{
			Kind: fault.Throttled, Err: err, RetryAfter: time.Second,
			Message: "Too many requests wait for this model already (engine.queue). Please wait before trying again.",
		}
	case errors.Is(err, sched.ErrTooLong):
		return fault.Errorf(fault.Invalid, "Input is too long for requested model: %d tokens, and it takes %d, the answer's included (engine.context).", tokens, g.decoder.Context())
	case errors.Is(err, sched.ErrNoMemory):
		return fault.Errorf(fault.Invalid, "Input is too long for requested model: %d tokens do not fit into engine.cache.", tokens)
	}
	return err
}

// failure is what a request is told whose answer breaks off.
func (g *Generator) failure(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sched.ErrStalled):
		return fault.Wrap(fault.Canceled, err, "The answer was not read for too long.")
	case errors.Is(err, sched.ErrClosed), errors.Is(err, sched.ErrNoMemory):
		return &fault.Error{Kind: fault.Unavailable, Err: err, RetryAfter: time.Second, Message: "The model cannot go on with this request now. Try again."}
	}
	if p, ok := errors.AsType[*sched.PanicError](err); ok {
		g.log.Error("a request's work ended in a panic", "err", err, "stack", string(p.Stack))
	}
	return fault.Wrap(fault.ModelError, err, "The model failed on this request.")
}

// talk is one answer on its way from tokens to events.
type talk struct {
	g       *Generator
	yield   func(llm.Event, error) bool
	run     *sched.Run
	prompt  *prompt
	model   string
	logs    bool // the request wants logprobs
	decoder *token.Decoder
	stops   stopper
	parser  *chat.Parser

	logprobs  []llm.Logprob // of tokens whose text has not been sent yet
	begun     bool
	done      bool // the receiver left
	index     int  // of the open block, or of the next one
	open      blockKind
	tools     int
	malformed bool
	stop      string // the stop sequence that ended the answer
}

// blockKind is the kind of the block that is open.
type blockKind uint8

const (
	blockNone blockKind = iota
	blockText
	blockReasoning
	blockTool
)

func (t *talk) answer() {
	for tok, err := range t.run.Tokens() {
		if err != nil {
			t.yield(nil, t.g.failure(err))
			return
		}
		t.begin()
		if r := t.logprob(&tok); r != nil {
			t.logprobs = append(t.logprobs, *r)
		}
		if t.take(tok.ID); t.done || t.stop != "" {
			break
		}
	}
	if t.done {
		return
	}
	t.begin() // an answer may have no token
	if t.stop == "" {
		if t.say(t.decoder.Flush()); t.stop == "" {
			t.events(t.parser.Write(t.stops.flush(), false))
		}
	}
	t.events(t.parser.Close())
	t.close()
	t.end()
}

// take turns a token into text and the text into events.
func (t *talk) take(id int32) {
	if !t.g.codec.Control(id) {
		t.say(t.decoder.Add(id))
		return
	}
	if t.say(t.decoder.Flush()); t.stop == "" {
		t.events(t.parser.Write(t.stops.flush(), false))
		t.events(t.parser.Write(string(t.g.codec.Piece(id)), true))
	}
}

// say passes text on, up to a stop sequence.
func (t *talk) say(text string) {
	if text == "" {
		return
	}
	text, t.stop = t.stops.write(text)
	t.events(t.parser.Write(text, false))
}

func (t *talk) events(events []chat.Event) {
	for i := range events {
		t.event(&events[i])
	}
}

func (t *talk) event(e *chat.Event) {
	switch e.Kind {
	case chat.Text:
		t.ensure(blockText, &llm.Text{})
		t.send(&llm.BlockDelta{Index: t.index, Text: e.Text, Logprobs: t.logprobs})
		t.logprobs = nil
		return
	case chat.Reasoning:
		t.ensure(blockReasoning, &llm.Reasoning{})
		t.send(&llm.BlockDelta{Index: t.index, Reasoning: e.Text})
	case chat.ToolStart:
		t.close()
		t.tools++
		t.open = blockTool
		t.send(&llm.BlockStart{Index: t.index, Block: &llm.ToolUse{ID: e.ID, Name: e.Name}})
	case chat.ToolInput:
		t.send(&llm.BlockDelta{Index: t.index, ToolInput: e.Text})
	case chat.ToolStop:
		t.close()
	case chat.Malformed:
		t.malformed = true
	}
	t.logprobs = nil // OpenAI reports those of text only
}

// logprob returns what a request wants to know of a token, nil unless it does.
func (t *talk) logprob(tok *sched.Token) *llm.Logprob {
	if !t.logs {
		return nil
	}
	p := &llm.Logprob{Token: string(t.g.codec.Piece(tok.ID)), Logprob: float64(tok.Logprob)}
	for _, c := range tok.Top {
		p.Top = append(p.Top, llm.Alternative{Token: string(t.g.codec.Piece(c.ID)), Logprob: float64(c.Logprob)})
	}
	return p
}

// ensure opens a block of the kind unless it is open.
func (t *talk) ensure(kind blockKind, empty llm.Block) {
	if t.open == kind {
		return
	}
	t.close()
	t.open = kind
	t.send(&llm.BlockStart{Index: t.index, Block: empty})
}

func (t *talk) close() {
	if t.open == blockNone {
		return
	}
	t.send(&llm.BlockStop{Index: t.index})
	t.open = blockNone
	t.index++
}

func (t *talk) send(e llm.Event) {
	t.done = t.done || !t.yield(e, nil)
}

// begin opens the answer, once it is known what was read from the cache.
func (t *talk) begin() {
	if t.begun {
		return
	}
	t.begun = true
	usage := t.usage(0)
	t.send(&llm.MessageStart{Role: llm.Assistant, Served: llm.Served{Model: t.model}, Usage: &usage})
}

// usage counts input tokens, of which so many were put into the cache. What was cached
// without the caller's wish is not told: it costs what it costs anywhere else.
func (t *talk) usage(stored int) llm.Usage {
	read := min(t.run.Cached(), t.prompt.cacheTo())
	return llm.Usage{InputTokens: len(t.prompt.ids) - read - stored, CacheReadTokens: read, CacheWriteTokens: stored}
}

func (t *talk) end() {
	result := t.run.Result()
	stop := &llm.MessageStop{Reason: llm.EndTurn}
	switch {
	case t.stop != "" && !slices.Contains(t.g.marks, t.stop):
		stop.Reason, stop.Sequence = llm.StopSequence, t.stop
	case t.stop == "" && result.Finish == sched.Length:
		stop.Reason = llm.MaxTokens
	case t.stop == "" && result.Finish == sched.ContextFull:
		stop.Reason = llm.ContextWindowFull
	case t.malformed:
		stop.Reason = llm.MalformedToolUse
	case t.tools > 0:
		stop.Reason = llm.StopToolUse
	}
	t.send(stop)
	usage := t.usage(result.Stored)
	usage.OutputTokens = result.Generated
	t.send(&llm.Metadata{Usage: usage})
}
