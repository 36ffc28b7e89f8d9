package chat

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// written returns calls as the syntax says.
func written(s *CallSyntax, calls ...[2]string) string {
	var b strings.Builder
	b.WriteString(s.Open)
	for i, c := range calls {
		if i > 0 {
			b.WriteString(s.Separator)
		}
		b.WriteString(s.Before + c[0] + s.Between + c[1] + s.After)
	}
	b.WriteString(s.Close)
	return b.String()
}

// TestCallsCanBeRead checks that the parser reads what a grammar made of the syntax
// would let through, and that a template writes calls in the history the same way.
func TestCallsCanBeRead(t *testing.T) {
	t.Parallel()
	paris := [2]string{"get_weather", `{"city": "Paris"}`}
	now := [2]string{"now", `{}`}
	for _, name := range []string{"llama31", "qwen3", "chatml", "mistral3", "mistral11", "gemma", "plain"} {
		f := newFormat(t, name)
		s := f.Calls(testTools(), llm.ToolChoice{})
		if !strings.HasPrefix(s.Open+s.Before, s.Trigger) || s.Trigger == "" {
			t.Errorf("%s: the trigger %q does not begin calls: %q", name, s.Trigger, s.Open+s.Before)
		}
		for i, trigger := range s.Triggers {
			if !strings.HasPrefix(written(s, [2]string{s.Tools[i].Name, "{}"}), trigger) || !strings.HasPrefix(trigger, s.Trigger) {
				t.Errorf("%s: the trigger %q begins no call", name, trigger)
			}
		}
		for _, m := range s.Markers {
			if !strings.Contains(written(s, now), m) && m != pythonTag {
				t.Errorf("%s: the marker %q is in no call", name, m)
			}
		}
		req := &llm.ChatRequest{Tools: testTools()}
		one, two := written(s, paris), written(s, paris, now)
		want := "call get_weather\ninput {\"city\": \"Paris\"}\nstop\n"
		if got := script(parse(f, &Prompt{}, req, one)); got != want {
			t.Errorf("%s: %q is read as\n%s", name, one, got)
		}
		if got := script(parse(f, &Prompt{}, req, "Text.\n"+two)); got != "text \"Text.\"\n"+want+"call now\ninput {}\nstop\n" {
			t.Errorf("%s: %q is read as\n%s", name, two, got)
		}
		prompt, err := f.Prompt(t.Context(), &llm.ChatRequest{Tools: testTools(), Messages: []llm.Message{
			user(text("q")), assistant(use("qzCall001", paris[0], paris[1])), user(result("qzCall001", false, text("r"))),
		}})
		if err != nil {
			t.Fatal(err)
		}
		history := strings.ReplaceAll(joined(prompt), `, "id": "qzCall001"`, "")
		compact := strings.ReplaceAll(history, `{"city":"Paris"}`, `{"city": "Paris"}`)
		if !strings.Contains(compact, one) {
			t.Errorf("%s: the history %q has no %q", name, history, one)
		}
	}
}

func TestCallsFollowTheChoice(t *testing.T) {
	t.Parallel()
	f := newFormat(t, "qwen3")
	names := func(s *CallSyntax) []string {
		var out []string
		for _, tool := range s.Tools {
			out = append(out, tool.Name)
		}
		return out
	}
	check := func(choice llm.ToolChoice, tools []string, several, required bool) {
		t.Helper()
		s := f.Calls(testTools(), choice)
		if diff := cmp.Diff(tools, names(s)); diff != "" || s.Several != several || s.Required != required {
			t.Errorf("%+v: tools %v, several %v, required %v", choice, names(s), s.Several, s.Required)
		}
	}
	both := []string{"get_weather", "now"}
	check(llm.ToolChoice{}, both, true, false)
	check(llm.ToolChoice{Mode: llm.ToolAuto, DisableParallel: true}, both, false, false)
	check(llm.ToolChoice{Mode: llm.ToolAny}, both, true, true)
	check(llm.ToolChoice{Mode: llm.ToolNamed, Name: "now"}, []string{"now"}, false, true)
	for _, c := range []struct {
		tools  []llm.Tool
		choice llm.ToolChoice
	}{
		{nil, llm.ToolChoice{}},
		{testTools(), llm.ToolChoice{Mode: llm.ToolNone}},
		{testTools(), llm.ToolChoice{Mode: llm.ToolNamed, Name: "fly"}},
		{[]llm.Tool{{Name: "web", System: true}}, llm.ToolChoice{Mode: llm.ToolAny}},
	} {
		if s := f.Calls(c.tools, c.choice); s != nil {
			t.Errorf("%+v: %+v, want none", c.choice, s)
		}
	}
	tools := testTools()
	if f.Calls(tools, llm.ToolChoice{Mode: llm.ToolNamed, Name: "now"}); !slices.EqualFunc(tools, testTools(), func(a, b llm.Tool) bool { return a.Name == b.Name }) {
		t.Error("the caller's tools changed")
	}
	if s := newFormat(t, "llama31").Calls(testTools(), llm.ToolChoice{}); s.Several {
		t.Error("a template that takes one call per turn lets a model make several")
	}
}

func TestThinkingMarkers(t *testing.T) {
	t.Parallel()
	const template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
	f := func(template string, specials []string, open, end string) {
		t.Helper()
		o := testOptions()
		o.Specials = func(s string) bool { return slices.Contains(specials, s) }
		format, err := New(template, o)
		if err != nil {
			t.Fatal(err)
		}
		if gotOpen, gotEnd := format.Thinking(); gotOpen != open || gotEnd != end {
			t.Errorf("markers %q, %q; want %q, %q", gotOpen, gotEnd, open, end)
		}
		if open == "" {
			return
		}
		if got, want := script(parse(format, &Prompt{}, &llm.ChatRequest{}, open+"a"+end+"b")), "thought \"a\"\ntext \"b\"\n"; got != want {
			t.Errorf("read as %s, want %s", got, want)
		}
	}
	f(template, nil, "", "")
	f(template+"{{ '</think>' }}", nil, "<think>", "</think>")
	f(template, []string{"<think>", "</think>"}, "<think>", "</think>")
	f(template, []string{"<think>"}, "", "")
	f(template+"{{ '[THINK][/THINK]' }}", []string{"<think>", "</think>"}, "[THINK]", "[/THINK]")
}
