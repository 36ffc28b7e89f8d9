package chat

import (
	"slices"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

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
	// Triggers are longer and more exact, where calls have no marker and an answer in
	// JSON may begin like one: Open+Before with the name of a tool and what follows it.
	// Else they are Trigger alone.
	Triggers []string
	// Markers are the texts within the syntax that may be tokens of their own.
	Markers []string
}

// Calls returns the syntax of calls; nil when there can be none.
func (f *Format) Calls(tools []llm.Tool, choice llm.ToolChoice) *CallSyntax {
	if choice.Mode == llm.ToolNone {
		return nil
	}
	allowed := slices.DeleteFunc(slices.Clone(tools), func(t llm.Tool) bool {
		return t.System || choice.Mode == llm.ToolNamed && t.Name != choice.Name
	})
	if len(allowed) == 0 {
		return nil
	}
	s := f.syntax
	triggers := []string{s.trigger}
	if s.opener == "" {
		triggers = triggers[:0]
		for _, t := range allowed {
			triggers = append(triggers, s.open+s.before+t.Name+s.between)
		}
	}
	return &CallSyntax{
		Tools: allowed,
		Open:  s.open, Close: s.close, Separator: s.separator,
		Before: s.before, Between: s.between, After: s.after,
		Several:  s.parallel && !choice.DisableParallel && choice.Mode != llm.ToolNamed,
		Required: choice.Mode == llm.ToolAny || choice.Mode == llm.ToolNamed,
		Trigger:  s.trigger,
		Triggers: triggers,
		Markers:  s.markers(),
	}
}
