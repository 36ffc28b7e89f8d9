// Package chat turns conversations into prompts, and what a model writes back into
// text, reasoning and tool calls.
package chat

import (
	"context"
	"time"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Segment is a piece of a prompt.
type Segment struct {
	Text string
	// Plain: the text came with the request. What looks like a control token in it is
	// none, so nobody can forge a turn.
	Plain bool
}

// Options say what is known of a model beside its template.
type Options struct {
	Arch     string // "llama", "qwen2"; may be empty
	BOS, EOS string // texts of the tokens; empty: none
	// AddBOS: the tokenizer wants prompts to begin with BOS. Only formats without a
	// template of the model's own look at it.
	AddBOS bool
	// Specials reports whether a text is a special token of the vocabulary. Nil: none is.
	Specials func(text string) bool
	// Now is the date that templates may print. Nil: time.Now.
	Now func() time.Time
	// NewID makes the ID of a tool call. Nil: random, in Bedrock's form.
	NewID func() string
}

// Format is how one model is spoken to. It is immutable and safe for concurrent use.
type Format struct{ family string }

// New returns the format of a model by its template; without one, by its vocabulary.
func New(template string, o Options) (*Format, error) { _, _ = template, o; return &Format{}, nil }

// Family names the way in which the model calls tools: "llama3", "hermes", "mistral"
// or "json".
func (f *Format) Family() string { return f.family }

// Prompt is a rendered conversation. It begins with the model's BOS where the model
// wants one: encode it as it is.
type Prompt struct {
	Segments []Segment
	// Cache says, for each cache point of the request in its order, how many of
	// Segments stand before it.
	Cache []int
	// Thinking: the prompt leaves a thinking block open; the answer begins inside it.
	Thinking bool
}

// Prompt renders a conversation.
func (f *Format) Prompt(ctx context.Context, req *llm.ChatRequest) (*Prompt, error) {
	_, _ = ctx, req
	return &Prompt{}, nil
}

// Ends lists the texts that end a turn, beyond the tokenizer's end tokens. One that is
// no token of the vocabulary is to be used as a stop sequence.
func (f *Format) Ends() []string { return nil }

// CallSyntax is how calls are written, as data to build a grammar from:
//
//	Open call (Separator call)* Close
//	call = Before name Between arguments After
//
// where arguments is a JSON object that satisfies the tool's schema.
type CallSyntax struct {
	Tools                  []llm.Tool // that may be called
	Open, Close, Separator string
	Before, Between, After string
	Several                bool // more than one call may be made
	Required               bool // a call must be made, and no text may precede it
	// Trigger is a beginning of Open+Before: where free text has it, a call must follow.
	Trigger string
	// Markers are the texts within the syntax that may be tokens of their own.
	Markers []string
}

// Calls returns the syntax of calls; nil when there can be none.
func (f *Format) Calls(tools []llm.Tool, choice llm.ToolChoice) *CallSyntax {
	_, _ = tools, choice
	return nil
}
