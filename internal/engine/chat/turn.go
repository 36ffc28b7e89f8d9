package chat

import (
	"context"
	"encoding/json"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// role is who speaks in a template's terms.
type role string

const (
	roleSystem    role = "system"
	roleUser      role = "user"
	roleAssistant role = "assistant"
	roleTool      role = "tool"
)

// turn is one message as templates see it.
type turn struct {
	role      role
	text      words
	reasoning words  // of the assistant
	calls     []call // of the assistant
	id, name  string // of the call that a tool answers
	source    int32  // of id and name
}

// call is a tool call in the history.
type call struct {
	id, name string
	input    json.RawMessage
	source   int32
}

// conversation reads a request's messages as turns, the system prompt first.
func (r *reader) conversation(ctx context.Context, req *llm.ChatRequest) ([]turn, error) {
	system, err := r.system(ctx, req.System)
	if err != nil {
		return nil, err
	}
	var turns []turn
	if len(system) > 0 {
		turns = append(turns, turn{role: roleSystem, text: system})
	}
	names := make(map[string]string) // of calls, by their IDs
	for _, m := range req.Messages {
		more, err := r.message(ctx, m, names)
		if err != nil {
			return nil, err
		}
		turns = append(turns, more...)
	}
	return turns, nil
}

// message reads one message. Its tool results are turns before that of its text.
func (r *reader) message(ctx context.Context, m llm.Message, names map[string]string) ([]turn, error) {
	var out []turn
	t := turn{role: roleOf(m.Role)}
	for _, b := range m.Content {
		switch b := b.(type) {
		case *llm.ToolUse:
			r.source++
			names[b.ID] = b.Name
			t.calls = append(t.calls, call{id: b.ID, name: b.Name, input: b.Input, source: r.source})
		case *llm.ToolResult:
			w, err := r.result(ctx, b)
			if err != nil {
				return nil, err
			}
			out = append(out, turn{role: roleTool, text: w, id: b.ToolUseID, name: names[b.ToolUseID], source: r.source})
		case *llm.Reasoning:
			t.reasoning = t.reasoning.and("\n", r.next(b.Text))
		default:
			w, err := r.block(ctx, b)
			if err != nil {
				return nil, err
			}
			t.text = t.text.and("\n\n", w)
		}
	}
	if len(t.text) > 0 || len(t.calls) > 0 || len(out) == 0 {
		out = append(out, t)
	}
	return out, nil
}

func roleOf(r llm.Role) role {
	switch r {
	case llm.Assistant:
		return roleAssistant
	case llm.System:
		return roleSystem
	case llm.User:
		return roleUser
	}
	return roleUser
}

// merge joins neighbouring turns of one role, other than tools', and drops turns of
// the system that say nothing, and of the assistant at the end.
func merge(turns []turn) []turn {
	var out []turn
	for _, t := range turns {
		if t.role == roleSystem && len(t.text) == 0 {
			continue
		}
		if n := len(out); n > 0 && t.role != roleTool && out[n-1].role == t.role {
			last := &out[n-1]
			last.text = last.text.and("\n\n", t.text)
			last.reasoning = last.reasoning.and("\n", t.reasoning)
			last.calls = append(last.calls, t.calls...)
			continue
		}
		out = append(out, t)
	}
	// An answer that is begun with nothing is an answer to be begun.
	if n := len(out); n > 1 && out[n-1].role == roleAssistant && len(out[n-1].text) == 0 && len(out[n-1].calls) == 0 {
		out = out[:n-1]
	}
	return out
}

// demoteSystem turns system turns into the user's words: all of them, or, with first,
// all but one that opens the conversation.
func demoteSystem(turns []turn, first bool) []turn {
	out := make([]turn, len(turns))
	copy(out, turns)
	for i := range out {
		if out[i].role == roleSystem && (i > 0 || !first) {
			out[i].role = roleUser
		}
	}
	return merge(out)
}

// foldIntoResults appends the user's words that follow tool results to the last of
// them, for templates that take no user's turn there.
func foldIntoResults(turns []turn) []turn {
	var out []turn
	for _, t := range turns {
		if n := len(out); n > 0 && t.role == roleUser && out[n-1].role == roleTool {
			out[n-1].text = out[n-1].text.and("\n\n", t.text)
			continue
		}
		out = append(out, t)
	}
	return out
}

// oneCallAtATime splits a turn of several calls and their results into turns of one
// call and one result each, for templates that take no more.
func oneCallAtATime(turns []turn) []turn {
	var out []turn
	for i := 0; i < len(turns); i++ {
		t := turns[i]
		if len(t.calls) < 2 {
			out = append(out, t)
			continue
		}
		results := make(map[string]turn)
		for i+1 < len(turns) && turns[i+1].role == roleTool {
			i++
			results[turns[i].id] = turns[i]
		}
		for n, c := range t.calls {
			one := turn{role: roleAssistant, calls: []call{c}}
			if n == 0 {
				one.text, one.reasoning = t.text, t.reasoning
			}
			out = append(out, one)
			if r, ok := results[c.id]; ok {
				out = append(out, r)
			}
		}
	}
	return out
}
