// Package scripted answers as a YAML file declares, for tests of people's own
// software that need the same answer every time, an error on demand, or a stream
// that breaks.
//
// A script is a list of rules. The first rule whose conditions hold answers; "else"
// answers what no rule does, and without it that is an error which names what the
// request looked like. testdata/example.yaml shows and explains everything.
//
// Conditions ("when"; everything that is given must hold):
//
//	model, region   the model's name at this backend, the region; * and ? stand for any text
//	text            the text of the last message: contained, or equals, regex, ignore_case
//	system          the same, of the system prompt
//	tool            a tool, or several, that the request offers
//	tool_result     the last message holds the result of this tool: its name, or tool, text, error
//	metadata        labels of the request
//	turn            which answer of the conversation this is, from 1: 2, 2-5, 4-
//	call            which time it is that the rule's other conditions hold, from 1
//
// A reply has text (or json), reasoning, citations and tool_calls, or an error by
// its AWS name; and stop, usage, delay, chunk and cut. Texts may hold variables:
// ${1} or ${name} for what an expression captured, ${text}, ${question} (the last
// text that a user wrote, also while tools run), ${tool_result}, ${model},
// ${region}, ${turn}, ${call} and ${metadata.name}. "replies" gives one after the
// other; "throttle: 2" turns the first two calls away.
//
// Tokens that a reply does not declare are counted by package estimate's rule and
// marked as estimated. Limits of the request (maxTokens, stop sequences) do not
// shorten a declared reply.
//
// The same calls in the same order get the same answers; the counters of rules are
// the only state, and are shared by all callers. A Backend is safe for concurrent
// use.
package scripted

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Config describes a scripted backend.
type Config struct {
	// Name is the backend's name in the configuration. Required.
	Name string
	// Script is the text of the rules.
	Script []byte
}

// Backend answers by rules. It implements llm.ChatModel and llm.TokenCounter.
type Backend struct {
	name   string
	script *script

	mu    sync.Mutex
	count map[*rule]int // how often the other conditions of a rule have held
	given map[*rule]int // how many answers a rule has given, throttling included
}

// New reads a script. The error lists every problem of it, a line each.
func New(cfg Config) (*Backend, error) {
	s, err := parseScript(cfg.Script)
	if err != nil {
		return nil, fmt.Errorf("backend %s: %w", cfg.Name, err)
	}
	return &Backend{name: cfg.Name, script: s, count: map[*rule]int{}, given: map[*rule]int{}}, nil
}

// Open is New with the script of a file.
func Open(name, path string) (*Backend, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("backend %s: %w", name, err)
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("backend %s: %w", name, err)
	}
	b, err := New(Config{Name: name, Script: text})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// CountTokens implements llm.TokenCounter by package estimate's rule.
func (b *Backend) CountTokens(_ context.Context, req *llm.ChatRequest) (int, error) {
	return estimate.Request(req), nil
}

// Chat implements llm.ChatModel.
func (b *Backend) Chat(ctx context.Context, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		if err := llm.NoLogprobs(req); err != nil {
			yield(nil, err)
			return
		}
		f := newFacts(ctx, req)
		t, ok := b.choose(f)
		if !ok {
			yield(nil, f.noMatch(b.name))
			return
		}
		if t.throttled {
			yield(nil, &fault.Error{
				Kind: fault.Throttled, Message: defaultMessages["ThrottlingException"], RetryAfter: t.rule.retryAfter,
			})
			return
		}
		p := &player{
			ctx: ctx, req: req, yield: yield, reply: t.reply, value: t.value(f),
			served: llm.Served{Backend: b.name, Model: req.Model, Fidelity: llm.Scripted},
			callID: "scripted_" + strconv.Itoa(f.turn),
		}
		p.play()
	}
}

// turn is what a request has been given.
type turn struct {
	rule      *rule
	reply     *reply
	throttled bool
	captured  map[string]string
	call      int
}

// choose finds the rule for a request and takes its next reply.
func (b *Backend) choose(f *facts) (turn, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.script.rules {
		captured, ok := r.when.match(f)
		if !ok {
			continue
		}
		b.count[r]++
		if !r.when.call.has(b.count[r]) {
			continue
		}
		if t, ok := b.take(r); ok {
			t.captured, t.call = captured, b.count[r]
			return t, true
		}
	}
	if r := b.script.fallback; r != nil {
		b.count[r]++
		t, ok := b.take(r)
		t.call = b.count[r]
		return t, ok
	}
	return turn{}, false
}

// take gives a rule's next reply; false when it has no more to give.
func (b *Backend) take(r *rule) (turn, bool) {
	n := b.given[r]
	t := turn{rule: r}
	switch i := n - r.throttle; {
	case i < 0:
		t.throttled = true
	case i < len(r.replies):
		t.reply = r.replies[i]
	case r.after == matchNoMore:
		return turn{}, false
	case r.after == startOver:
		t.reply = r.replies[i%len(r.replies)]
	default:
		t.reply = r.replies[len(r.replies)-1]
	}
	b.given[r] = n + 1
	return t, true
}

// value returns the function that looks up the variables of templates.
func (t *turn) value(f *facts) func(string) string {
	return func(name string) string {
		if v, ok := t.captured[name]; ok {
			return v
		}
		switch name {
		case "text":
			return f.text
		case "question":
			return f.question
		case "model":
			return f.model
		case "region":
			return f.region
		case "turn":
			return strconv.Itoa(f.turn)
		case "call":
			return strconv.Itoa(t.call)
		case "tool_result":
			texts := make([]string, len(f.results))
			for i, r := range f.results {
				texts[i] = r.text
			}
			return strings.Join(texts, "\n")
		}
		if key, ok := strings.CutPrefix(name, "metadata."); ok {
			return f.metadata[key]
		}
		return ""
	}
}
