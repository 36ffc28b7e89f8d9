package chat

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// merged joins neighbouring pieces of one kind, so that events can be compared however
// the text was cut.
func merged(events []Event) []Event {
	var out []Event
	for _, e := range events {
		if n := len(out); n > 0 && out[n-1].Kind == e.Kind && (e.Kind == Text || e.Kind == Reasoning || e.Kind == ToolInput) {
			out[n-1].Text += e.Text
			continue
		}
		out = append(out, e)
	}
	return out
}

// script writes events down in short.
func script(events []Event) string {
	var b strings.Builder
	for _, e := range merged(events) {
		switch e.Kind {
		case Text:
			fmt.Fprintf(&b, "text %q\n", e.Text)
		case Reasoning:
			fmt.Fprintf(&b, "thought %q\n", e.Text)
		case ToolStart:
			fmt.Fprintf(&b, "call %s\n", e.Name)
		case ToolInput:
			fmt.Fprintf(&b, "input %s\n", e.Text)
		case ToolStop:
			b.WriteString("stop\n")
		case Malformed:
			fmt.Fprintf(&b, "malformed: %s\n", e.Text)
		}
	}
	return b.String()
}

func parse(f *Format, p *Prompt, req *llm.ChatRequest, pieces ...string) []Event {
	parser := f.NewParser(p, req)
	var out []Event
	for _, piece := range pieces {
		out = append(out, parser.Write(piece, false)...)
	}
	return append(out, parser.Close()...)
}

func bytesOf(s string) []string {
	out := make([]string, len(s))
	for i := range len(s) {
		out[i] = s[i : i+1]
	}
	return out
}

type parseCase struct{ name, format, in, want string }

var parseCases = []parseCase{
	{"plain text", "qwen3", "  Hello,\n\n wörld 🙂 \n", "text \"Hello,\\n\\n wörld 🙂\"\n"},
	{"nothing", "qwen3", "", ""},
	{"white space", "qwen3", " \n ", ""},
	{"thoughts", "qwen3", "<think>\nHm.\n\nWell.\n</think>\n\nYes.", "thought \"Hm.\\n\\nWell.\"\ntext \"Yes.\"\n"},
	{"no thoughts", "qwen3", "<think>\n\n</think>\n\nYes.", "text \"Yes.\"\n"},
	{"thoughts without end", "qwen3", "<think>\nHm", "thought \"Hm\"\n"},
	{"thinks later", "qwen3", "A <think>b</think>", "text \"A <think>b</think>\"\n"},
	{"false thought", "qwen3", "<thin air>", "text \"<thin air>\"\n"},
	{"cut thought", "qwen3", "<thi", "text \"<thi\"\n"},
	{"thoughts and call", "qwen3", "<think>x</think>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>", "thought \"x\"\ncall now\ninput {}\nstop\n"},
	{"no thinking model", "llama31", "<think>x</think>", "text \"<think>x</think>\"\n"},

	{
		"hermes", "chatml", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Zürich\", \"days\": 2}}\n</tool_call>",
		"call get_weather\ninput {\"city\": \"Zürich\", \"days\": 2}\nstop\n",
	},
	{"hermes text before", "chatml", "Let me see. \n<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>", "text \"Let me see.\"\ncall now\ninput {}\nstop\n"},
	{"hermes text after", "chatml", "<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>\n\nDone. ", "call now\ninput {}\nstop\ntext \"Done.\"\n"},
	{
		"hermes parallel", "chatml", "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Paris\"}}\n</tool_call>\n",
		"call now\ninput {}\nstop\ncall get_weather\ninput {\"city\":\"Paris\"}\nstop\n",
	},
	{
		"hermes two in one", "chatml", "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n{\"name\": \"now\", \"arguments\": {\"a\":1}}\n</tool_call>",
		"call now\ninput {}\nstop\ncall now\ninput {\"a\":1}\nstop\n",
	},
	{
		"hermes list", "chatml", "<tool_call>[{\"name\": \"now\", \"arguments\": {}}, {\"name\": \"now\"}]\n</tool_call> x",
		"call now\ninput {}\nstop\ncall now\ninput {}\nstop\ntext \"x\"\n",
	},
	{"hermes arguments first", "chatml", "<tool_call>{\"arguments\": {\"city\": \"Paris\"}, \"name\": \"get_weather\"}</tool_call>", "call get_weather\ninput {\"city\": \"Paris\"}\nstop\n"},
	{"hermes text arguments", "chatml", `<tool_call>{"name": "get_weather", "arguments": "{\"city\": \"Z\u00fcrich\"}"}</tool_call>`, "call get_weather\ninput {\"city\": \"Zürich\"}\nstop\n"},
	{"hermes empty text arguments", "chatml", `<tool_call>{"name": "now", "arguments": " "}</tool_call>`, "call now\ninput {}\nstop\n"},
	{"hermes null arguments", "chatml", `<tool_call>{"name": "now", "arguments": null}</tool_call>`, "call now\ninput {}\nstop\n"},
	{"hermes no arguments", "chatml", `<tool_call>{"name": "now"}</tool_call>`, "call now\ninput {}\nstop\n"},
	{"hermes parameters", "chatml", `<tool_call>{"name": "now", "parameters": {"a": [1, {"b": null}]}}</tool_call>`, "call now\ninput {\"a\": [1, {\"b\": null}]}\nstop\n"},
	{"hermes openai form", "chatml", `<tool_call>{"id": "x", "type": "function", "function": {"name": "now", "arguments": {"a": 1}}}</tool_call>`, "call now\ninput {\"a\": 1}\nstop\n"},
	{
		"hermes more members", "chatml", `<tool_call>{"why": {"name": "no"}, "name": "now", "n": [1], "arguments": {"name": "x", "arguments": {}}, "z": -1.5e3}</tool_call>`,
		"call now\ninput {\"name\": \"x\", \"arguments\": {}}\nstop\n",
	},
	{"hermes line feeds in strings", "chatml", "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"x\ny\tz\\d\\'\"}}</tool_call>", "call now\ninput {\"a\": \"x\\ny\\tz\\\\d'\"}\nstop\n"},
	{"hermes brace missing", "chatml", "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": 1}\n</tool_call>\nText", "call now\ninput {\"a\": 1}\nstop\ntext \"Text\"\n"},
	{"hermes end missing", "chatml", "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": 1}}", "call now\ninput {\"a\": 1}\nstop\n"},
	{"hermes brace missing at the end", "chatml", "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": 1}", "call now\ninput {\"a\": 1}\nstop\n"},
	{"hermes cut in arguments", "chatml", "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": \"xy", "call now\ninput {\"a\": \"xy\nmalformed: it is not complete\n"},
	{"hermes cut in a number", "chatml", "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": 12", "call now\ninput {\"a\": \nmalformed: it is not complete\n"},
	{"hermes cut in the name", "chatml", "Hi <tool_call>\n{\"name\": \"no", "text \"Hi <tool_call>\\n{\\\"name\\\": \\\"no\"\nmalformed: it is not complete\n"},
	{"hermes only the marker", "chatml", "<tool_call>", "text \"<tool_call>\"\nmalformed: it is not complete\n"},
	{"hermes false start", "chatml", "a <tool b <tool_cal c", "text \"a <tool b <tool_cal c\"\n"},
	{"hermes no JSON", "chatml", "<tool_call> now() </tool_call>", "text \"<tool_call> now() </tool_call>\"\nmalformed: it is no JSON object\n"},
	{"hermes bad JSON", "chatml", "<tool_call>{'name': 'now'}</tool_call>", "text \"<tool_call>{'name': 'now'}</tool_call>\"\nmalformed: unexpected '\\'' in JSON\n"},
	{"hermes bad arguments", "chatml", `<tool_call>{"name": "now", "arguments": {"a": x}}</tool_call>`, "call now\ninput {\"a\": \nmalformed: unexpected 'x' in JSON\ntext \"x}}</tool_call>\"\n"},
	{
		"hermes list arguments", "chatml", `<tool_call>{"name": "now", "arguments": [1]}</tool_call>`,
		"text \"<tool_call>{\\\"name\\\": \\\"now\\\", \\\"arguments\\\": [1]}</tool_call>\"\nmalformed: a call's arguments are no object\n",
	},
	{
		"hermes text that is no JSON", "chatml", `<tool_call>{"name": "now", "arguments": "today"}</tool_call>`,
		"text \"<tool_call>{\\\"name\\\": \\\"now\\\", \\\"arguments\\\": \\\"today\\\"}</tool_call>\"\nmalformed: a call's arguments are a text that is no JSON object\n",
	},
	{
		"hermes unknown tool", "chatml", `<tool_call>{"name": "fly", "arguments": {}}</tool_call>`,
		"text \"<tool_call>{\\\"name\\\": \\\"fly\\\", \\\"arguments\\\": {}}</tool_call>\"\nmalformed: there is no tool \"fly\"\n",
	},
	{"hermes nameless", "chatml", `<tool_call>{"arguments": {}}</tool_call>`, "text \"<tool_call>{\\\"arguments\\\": {}}</tool_call>\"\nmalformed: it names no tool\n"},
	{
		"hermes again after a bad one", "chatml", `<tool_call>x</tool_call><tool_call>{"name":"now"}</tool_call>`,
		"text \"<tool_call>x</tool_call>\"\nmalformed: it is no JSON object\ncall now\ninput {}\nstop\n",
	},

	{"llama", "llama31", `{"name": "get_weather", "parameters": {"city": "Paris"}}`, "call get_weather\ninput {\"city\": \"Paris\"}\nstop\n"},
	{"llama python tag", "llama31", "<|python_tag|>{\"type\": \"function\", \"name\": \"now\", \"parameters\": {}}", "call now\ninput {}\nstop\n"},
	{"llama code", "llama31", "<|python_tag|>print(1)", "text \"print(1)\"\n"},
	{"llama several", "llama31", `{"name": "now", "parameters": {}}; {"name": "now", "parameters": {"a": 1}}`, "call now\ninput {}\nstop\ncall now\ninput {\"a\": 1}\nstop\n"},
	{"llama several lines", "llama31", "{\"name\": \"now\", \"parameters\": {}}\n\n{\"name\": \"now\", \"parameters\": {}}\nDone", "call now\ninput {}\nstop\ncall now\ninput {}\nstop\ntext \"Done\"\n"},
	{"llama after text", "llama31", "I will look.\n\n{\"name\": \"now\", \"parameters\": {}}", "text \"I will look.\"\ncall now\ninput {}\nstop\n"},
	{"llama inline", "llama31", `Use {"name": "now", "parameters": {}} here`, "text \"Use {\\\"name\\\": \\\"now\\\", \\\"parameters\\\": {}} here\"\n"},
	{"llama JSON answer", "llama31", "{\"name\": \"Bob\",\n \"age\": 3}", "text \"{\\\"name\\\": \\\"Bob\\\",\\n \\\"age\\\": 3}\"\n"},
	{"llama other JSON", "llama31", "{\"a\": {\"name\": \"now\"}}", "text \"{\\\"a\\\": {\\\"name\\\": \\\"now\\\"}}\"\n"},
	{"llama braces", "llama31", "{ x }\n{", "text \"{ x }\\n{\"\n"},
	{"llama cut", "llama31", `{"name": "now", "parameters": {"a`, "call now\ninput {\"a\nmalformed: it is not complete\n"},
	{"llama cut early", "llama31", `{"name": "no`, "text \"{\\\"name\\\": \\\"no\"\n"},
	{"llama bad arguments", "llama31", `{"name": "now", "parameters": {a}}`, "call now\ninput {\nmalformed: unexpected 'a' in JSON\ntext \"a}}\"\n"},

	{"json list", "gemma", "[{\"name\": \"now\", \"arguments\": {}}, {\"name\": \"now\", \"arguments\": {\"a\": 1}}]", "call now\ninput {}\nstop\ncall now\ninput {\"a\": 1}\nstop\n"},
	{"json fence", "gemma", "Here:\n```json\n{\"name\": \"now\", \"arguments\": {}}\n```\n", "text \"Here:\"\ncall now\ninput {}\nstop\n"},
	{"json fence and list", "gemma", "```json\n[{\"name\": \"now\", \"arguments\": {}}]\n```\nDone", "call now\ninput {}\nstop\ntext \"Done\"\n"},
	{"json fence of code", "gemma", "```go\nx := 1\n```\ny", "text \"```go\\nx := 1\\n```\\ny\"\n"},
	{"json fence of data", "gemma", "```json\n{\"a\": 1}\n```", "text \"```json\\n{\\\"a\\\": 1}\\n```\"\n"},
	{"json inline code", "gemma", "`x` and ``y`` [link](z)", "text \"`x` and ``y`` [link](z)\"\n"},
	{"json link", "gemma", "[link](z)\n[1, 2]\n- `a`\n`", "text \"[link](z)\\n[1, 2]\\n- `a`\\n`\"\n"},
	{"json fence cut", "gemma", "```js", "text \"```js\"\n"},
	{"json unknown", "gemma", "{\"name\": \"fly\", \"arguments\": {}}", "text \"{\\\"name\\\": \\\"fly\\\", \\\"arguments\\\": {}}\"\n"},

	{"mistral", "mistral3", `[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Paris"}}]`, "call get_weather\ninput {\"city\": \"Paris\"}\nstop\n"},
	{"mistral several", "mistral3", `[TOOL_CALLS][{"name": "now", "arguments": {}, "id": "abcdefghi"}, {"name": "now", "arguments": {"a": 1}}]`, "call now\ninput {}\nstop\ncall now\ninput {\"a\": 1}\nstop\n"},
	{"mistral text", "mistral3", `Wait.[TOOL_CALLS] [{"name": "now", "arguments": {}}] Done.`, "text \"Wait.\"\ncall now\ninput {}\nstop\ntext \"Done.\"\n"},
	{"mistral object", "mistral3", `[TOOL_CALLS] {"name": "now", "arguments": {}}`, "call now\ninput {}\nstop\n"},
	{"mistral false start", "mistral3", "[TOOL] [TOOL_CALL", "text \"[TOOL] [TOOL_CALL\"\n"},
	{"mistral cut", "mistral3", `[TOOL_CALLS] [`, "text \"[TOOL_CALLS] [\"\nmalformed: it is not complete\n"},
	{"mistral words", "mistral3", `[TOOL_CALLS] [now]`, "text \"[TOOL_CALLS] [now]\"\nmalformed: it is no list of JSON objects\n"},
	{"mistral args", "mistral11", `[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}[TOOL_CALLS]now[ARGS]{}`, "call get_weather\ninput {\"city\": \"Paris\"}\nstop\ncall now\ninput {}\nstop\n"},
	{"mistral id", "mistral11", `[TOOL_CALLS]now[CALL_ID]abc123xyz[ARGS]{"a": {"b": 1}}`, "call now\ninput {\"a\": {\"b\": 1}}\nstop\n"},
	{"mistral bare name", "mistral11", `[TOOL_CALLS]now{"a": 1}`, "call now\ninput {\"a\": 1}\nstop\n"},
	{"mistral unknown", "mistral11", `[TOOL_CALLS]fly[ARGS]{"a": 1}`, "text \"[TOOL_CALLS]fly[ARGS]{\\\"a\\\": 1}\"\nmalformed: there is no tool \"fly\"\n"},
	{"mistral no args", "mistral11", `[TOOL_CALLS]now(1)`, "text \"[TOOL_CALLS]now(1)\"\nmalformed: it has no arguments\n"},
	{"mistral args cut", "mistral11", `[TOOL_CALLS]now[ARGS]{"a": `, "call now\ninput {\"a\": \nmalformed: it is not complete\n"},
	{"mistral args bad", "mistral11", `[TOOL_CALLS]now[ARGS]{"a": x}`, "call now\ninput {\"a\": \nmalformed: unexpected 'x' in JSON\ntext \"x}\"\n"},
	{"mistral args list", "mistral11", `[TOOL_CALLS]now[ARGS][1]`, "text \"[TOOL_CALLS]now[ARGS][1]\"\nmalformed: its arguments are no object\n"},
}

// TestParser reads each answer in one piece, cut in two at every byte, and byte by byte.
func TestParser(t *testing.T) {
	t.Parallel()
	req := &llm.ChatRequest{Tools: testTools()}
	for _, c := range parseCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFormat(t, c.format)
			if diff := cmp.Diff(c.want, orderless(script(parse(f, &Prompt{}, req, c.in)))); diff != "" {
				t.Fatalf("(-want +got)\n%s", diff)
			}
			for i := range c.in {
				if got := orderless(script(parse(f, &Prompt{}, req, c.in[:i], c.in[i:]))); got != c.want {
					t.Fatalf("cut at %d: %s", i, cmp.Diff(c.want, got))
				}
			}
			if got := orderless(script(parse(f, &Prompt{}, req, bytesOf(c.in)...))); got != c.want {
				t.Fatalf("byte by byte: %s", cmp.Diff(c.want, got))
			}
		})
	}
}

// orderless moves a report of a call that had not begun behind the text that follows
// it, for the cases to be readable: the text around it is one.
func orderless(s string) string {
	lines := strings.SplitAfter(s, "\n")
	for i := 0; i+2 < len(lines); i++ {
		a, bad, b := lines[i], lines[i+1], lines[i+2]
		if strings.HasPrefix(a, "text ") && strings.HasPrefix(bad, "malformed: ") && strings.HasPrefix(b, "text ") {
			lines[i] = a[:len(a)-2] + b[len(`text "`):]
			lines[i+2] = ""
		}
	}
	return strings.Join(lines, "")
}

func TestParserInOpenThoughts(t *testing.T) {
	t.Parallel()
	f := newFormat(t, "r1")
	for in, want := range map[string]string{
		"Hm.\n</think>\n\nYes":        "thought \"Hm.\"\ntext \"Yes\"\n",
		"<think>\nHm.\n</think>\nYes": "thought \"Hm.\"\ntext \"Yes\"\n",
		"</think>Yes":                 "text \"Yes\"\n",
		"Hm":                          "thought \"Hm\"\n",
		"<thin":                       "thought \"<thin\"\n",
	} {
		for i := range len(in) + 1 {
			if got := script(parse(f, &Prompt{Thinking: true}, &llm.ChatRequest{}, in[:i], in[i:])); got != want {
				t.Errorf("%q cut at %d: %s", in, i, cmp.Diff(want, got))
			}
		}
	}
}

func TestParserGoesOn(t *testing.T) {
	t.Parallel()
	got := script(parse(newFormat(t, "qwen3"), &Prompt{Continues: true}, &llm.ChatRequest{}, " red, ", "<think>\n"))
	if want := "text \" red, <think>\"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParserWithoutTools(t *testing.T) {
	t.Parallel()
	const in = `<tool_call>{"name": "now", "arguments": {}}</tool_call>`
	for _, req := range []*llm.ChatRequest{{}, {Tools: testTools(), ToolChoice: llm.ToolChoice{Mode: llm.ToolNone}}} {
		if got, want := script(parse(newFormat(t, "chatml"), &Prompt{}, req, in)), fmt.Sprintf("text %q\n", in); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestParserDropsControlTokens(t *testing.T) {
	t.Parallel()
	req := &llm.ChatRequest{Tools: testTools()}
	p := newFormat(t, "mistral11").NewParser(&Prompt{}, req)
	var out []Event
	for _, piece := range []struct {
		text    string
		control bool
	}{{"Hi", false}, {"<unk>", true}, {" you", false}, {"[TOOL_CALLS]", true}, {"now", false}, {"[ARGS]", true}, {"{}", false}, {"</s>", true}} {
		out = append(out, p.Write(piece.text, piece.control)...)
	}
	if got, want := script(append(out, p.Close()...)), "text \"Hi you\"\ncall now\ninput {}\nstop\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestParserStreams checks that a call is told of as it is written, and text too.
func TestParserStreams(t *testing.T) {
	t.Parallel()
	p := newFormat(t, "chatml").NewParser(&Prompt{}, &llm.ChatRequest{Tools: testTools()})
	steps := []struct{ in, want string }{
		{"Let me", "text \"Let me\"\n"},
		{" see <", "text \" see\"\n"},
		{"tool_call>\n{\"name\": \"get_w", ""},
		{"eather\", \"arguments\": {\"ci", "call get_weather\ninput {\"ci\n"},
		{"ty\": \"Par", "input ty\": \"Par\n"},
		{"is\"}", "input is\"}\n"},
		{"}\n</tool", "stop\n"},
		{"_call>", ""},
	}
	for _, s := range steps {
		if got := script(p.Write(s.in, false)); got != s.want {
			t.Errorf("after %q: %q, want %q", s.in, got, s.want)
		}
	}
	if got := p.Close(); got != nil {
		t.Errorf("at the end: %v", got)
	}
}

func TestParserIsBounded(t *testing.T) {
	t.Parallel()
	req := &llm.ChatRequest{Tools: testTools()}
	for name, beginning := range map[string]string{
		"chatml": `<tool_call>{"x": "`, "gemma": `{"arguments": {"x": "`, "mistral11": "[TOOL_CALLS]", "llama31": "<|python_tag|>",
	} {
		f := newFormat(t, name)
		p := f.NewParser(&Prompt{}, req)
		chunk := strings.Repeat("a", 1<<16)
		out := len(script(p.Write(beginning, false)))
		held := 0
		for range 64 {
			out += len(script(p.Write(chunk, false)))
			held = max(held, len(p.buf)+len(p.held))
		}
		if held > maxHeld+2*len(chunk) {
			t.Errorf("%s: %d bytes are held back", name, held)
		}
		if out < 32*len(chunk) {
			t.Errorf("%s: only %d bytes came out", name, out)
		}
	}
	f := newFormat(t, "chatml")
	deep := `<tool_call>{"name": "now", "arguments": {"a":` + strings.Repeat("[", 10_000)
	if got := script(parse(f, &Prompt{}, req, deep)); !strings.Contains(got, "malformed: JSON nested") {
		t.Errorf("deep JSON: %.200s", got)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	f, err := New(readTemplate(t, "chatml"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const two = `<tool_call>{"name":"now"}{"name":"now"}</tool_call>`
	seen := make(map[string]bool)
	for range 50 {
		for _, e := range parse(f, &Prompt{}, &llm.ChatRequest{Tools: testTools()}, two) {
			if e.Kind != ToolStart {
				continue
			}
			if !strings.HasPrefix(e.ID, "tooluse_") || len(e.ID) != 30 || seen[e.ID] {
				t.Errorf("ID %q", e.ID)
			}
			seen[e.ID] = true
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d IDs, want 100", len(seen))
	}
}

// FuzzParser checks on any answer that the way it is cut changes nothing, that an
// answer without calls loses nothing but white space and markers, and that the
// arguments of a whole call are JSON.
func FuzzParser(f *testing.F) {
	for _, c := range parseCases {
		f.Add(c.in, uint8(len(c.in)/2))
	}
	formats := make([]*Format, 0, 6)
	for _, name := range []string{"chatml", "qwen3", "llama31", "gemma", "mistral3", "mistral11"} {
		formats = append(formats, newFormat(f, name))
	}
	req := &llm.ChatRequest{Tools: testTools()}
	f.Fuzz(func(t *testing.T, in string, cut uint8) {
		const longest = 2048 // joining events byte by byte takes squared time
		if len(in) > longest {
			return
		}
		for _, format := range formats {
			want := parse(format, &Prompt{}, req, in)
			at := min(int(cut), len(in))
			if got := script(parse(format, &Prompt{}, req, in[:at], in[at:])); got != script(want) {
				t.Fatalf("%s: cut at %d:\n%s", format.Family(), at, cmp.Diff(script(want), got))
			}
			if got := script(parse(format, &Prompt{}, req, bytesOf(in)...)); got != script(want) {
				t.Fatalf("%s: byte by byte:\n%s", format.Family(), cmp.Diff(script(want), got))
			}
			checkEvents(t, want, utf8.ValidString(in))
			checkKept(t, want, in)
		}
	})
}

func checkKept(t *testing.T, events []Event, in string) {
	t.Helper()
	var kept strings.Builder
	for _, e := range events {
		switch e.Kind {
		case Text, Reasoning:
			kept.WriteString(e.Text)
		case ToolStart, ToolInput, ToolStop:
			return
		case Malformed:
		}
	}
	bare := func(s string) string {
		s = strings.NewReplacer("<think>", "", "</think>", "", pythonTag, "").Replace(s)
		return strings.Join(strings.Fields(s), "")
	}
	if got, want := bare(kept.String()), bare(in); got != want {
		t.Fatalf("of %q there is left %q", want, got)
	}
}

func checkEvents(t *testing.T, events []Event, valid bool) {
	t.Helper()
	open, input := false, ""
	for _, e := range merged(events) {
		switch e.Kind {
		case ToolStart:
			open, input = true, ""
		case ToolInput:
			input += e.Text
		case ToolStop:
			if !open || valid && (!json.Valid([]byte(input)) || !strings.HasPrefix(input, "{")) {
				t.Fatalf("a call with the arguments %q", input)
			}
			open = false
		case Malformed:
			open = false
		case Text, Reasoning:
			if open || e.Text == "" || strings.TrimSpace(e.Text) == "" {
				t.Fatalf("text %q", e.Text)
			}
		}
	}
	if open {
		t.Fatal("a call has no end")
	}
}
