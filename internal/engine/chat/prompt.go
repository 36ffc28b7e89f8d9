package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/jinja"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Prompt is a rendered conversation. It begins with the model's BOS where the model
// wants one: encode it as it is.
type Prompt struct {
	Segments []Segment
	// Cache says, for each cache point of the request in its order (tools, system
	// prompt, messages), how many of Segments stand before it: as many as do not depend
	// on what the request says after it.
	Cache []int
	// Thinking: the prompt leaves a thinking block open; the answer begins inside it.
	Thinking bool
	// Continues: the request's last turn is the assistant's, and the answer goes on
	// where it stops.
	Continues bool
}

// Prompt renders a conversation.
//
// Reasoning is on or off as the request says. A request that says nothing gets the
// model's own way, unless it forces a tool or a JSON answer, which leave no room for
// thoughts.
//
// Errors are *fault.Error: Invalid for content that a text model cannot take and for
// conversations that the template refuses, ModelError for a template that fails.
func (f *Format) Prompt(ctx context.Context, req *llm.ChatRequest) (*Prompt, error) {
	r := &reader{}
	tools, err := f.tools(req)
	if err != nil {
		return nil, err
	}
	const toolSource = 1
	r.source = toolSource
	if req.ToolCachePoint != nil {
		r.point()
	}
	turns, err := r.conversation(ctx, req)
	if err != nil {
		return nil, err
	}
	extra, err := extraVariables(req.Extra, r.source+1)
	if err != nil {
		return nil, err
	}
	if f.addBOS {
		extra.Set("add_bos", jinja.Bool(true))
	}
	v := &view{toolsSrc: toolSource, thinking: thinking(req), effort: req.Inference.Effort, extra: extra}
	v.turns = f.adapt(turns, f.instructions(req, tools, toolSource))
	if f.native {
		v.tools = tools
	}
	if len(v.turns) == 0 {
		return nil, fault.Errorf(fault.Invalid, "The conversation is empty.")
	}
	out := &Prompt{}
	last := v.turns[len(v.turns)-1]
	out.Continues = last.role == roleAssistant && len(last.text) > 0 && len(last.calls) == 0
	v.generate = !out.Continues
	segments, err := f.model.render(v)
	if err != nil {
		return nil, refused(err)
	}
	if out.Continues {
		segments = cutAfter(segments, last.text)
	}
	f.finish(out, segments, r.points, v)
	return out, nil
}

// tools returns the tools that the model may see.
func (f *Format) tools(req *llm.ChatRequest) ([]llm.Tool, error) {
	if req.ToolChoice.Mode == llm.ToolNone {
		return nil, nil
	}
	for _, t := range req.Tools {
		if t.System {
			return nil, fault.Errorf(fault.Invalid, "This model has no system tool %q.", t.Name)
		}
	}
	return req.Tools, nil
}

// adapt brings turns into the form that the template takes. say goes into the system
// prompt.
func (f *Format) adapt(turns []turn, say words) []turn {
	can := &f.model.can
	if len(say) > 0 {
		if len(turns) > 0 && turns[0].role == roleSystem {
			turns[0].text = turns[0].text.and("\n\n", say)
		} else {
			turns = append([]turn{{role: roleSystem, text: say}}, turns...)
		}
	}
	if !f.native {
		turns = tellTools(turns)
	}
	turns = merge(turns)
	if !can.systemLater {
		turns = demoteSystem(turns, can.system)
	}
	if f.native && !can.parallel {
		turns = oneCallAtATime(turns)
	}
	if f.native && !can.userAfterResult {
		turns = foldIntoResults(turns)
	}
	return turns
}

// thinking tells whether the model is to think; nil leaves it to the model.
func thinking(req *llm.ChatRequest) *bool {
	on := true
	switch budget := req.Inference.ReasoningBudget; {
	case budget != nil:
		on = *budget > 0
	case req.Inference.Effort != "":
	case req.ToolChoice.Mode == llm.ToolAny, req.ToolChoice.Mode == llm.ToolNamed,
		req.Output.JSON, req.Output.Schema != nil:
		on = false
	default:
		return nil
	}
	return &on
}

// extraVariables reads chat_template_kwargs of the caller's own fields, as other
// servers of such models take it.
func extraVariables(extra json.RawMessage, source int32) (*jinja.Dict, error) {
	if len(bytes.TrimSpace(extra)) == 0 {
		return &jinja.Dict{}, nil
	}
	var fields struct {
		Variables json.RawMessage `json:"chat_template_kwargs"`
	}
	if err := json.Unmarshal(extra, &fields); err != nil {
		return nil, fault.Errorf(fault.Invalid, "additionalModelRequestFields must be a JSON object: %w", err)
	}
	if fields.Variables == nil {
		return &jinja.Dict{}, nil
	}
	v, err := jinja.FromJSON(fields.Variables, source)
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "chat_template_kwargs: %w", err)
	}
	d, ok := v.(*jinja.Dict)
	if !ok {
		return nil, fault.Errorf(fault.Invalid, "chat_template_kwargs must be a JSON object.")
	}
	return d, nil
}

// refused is the error of a rendering.
func refused(err error) error {
	if e, ok := errors.AsType[*jinja.Error](err); ok && e.Raised {
		return fault.Wrap(fault.Invalid, err, "The model's chat template refuses this conversation: "+e.Message)
	}
	return fault.Wrap(fault.ModelError, err, "The model's chat template failed on this conversation.")
}

// cutAfter cuts a prompt behind the last of the given words, which it goes on from.
func cutAfter(segments []jinja.Segment, w words) []jinja.Segment {
	for i, s := range slices.Backward(segments) {
		if s.Source > 0 && s.Source == w[len(w)-1].Source {
			return segments[:i+1]
		}
	}
	return segments
}

// finish fills a prompt from what was rendered.
func (f *Format) finish(out *Prompt, segments []jinja.Segment, points []int32, v *view) {
	for _, p := range points {
		out.Cache = append(out.Cache, before(segments, p))
	}
	if f.think.open != "" && !out.Continues && len(segments) > 0 {
		last := &segments[len(segments)-1]
		open := last.Source == 0 && strings.HasSuffix(strings.TrimRight(last.Text, " \n"), f.think.open)
		if open && v.thinking != nil && !*v.thinking {
			// A template that always begins to think: the block is closed at once.
			last.Text = strings.TrimRight(last.Text, " \n") + "\n\n" + f.think.end + "\n\n"
			open = false
		}
		out.Thinking = open
	}
	for _, s := range segments {
		out.Segments = append(out.Segments, Segment{Text: s.Text, Plain: s.Source != 0})
	}
}

// before returns how many segments stand before the point behind source p: all up to
// the last one of p or before it that no later source precedes.
func before(segments []jinja.Segment, p int32) int {
	n := 0
	for i, s := range segments {
		if s.Source > p {
			break
		}
		if s.Source > 0 {
			n = i + 1
		}
	}
	return n
}
