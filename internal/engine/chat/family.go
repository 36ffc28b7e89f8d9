package chat

import "strings"

// The families: how a model writes a call of a tool.
const (
	// familyLlama3: the answer is {"name": …, "parameters": {…}}, with or without
	// <|python_tag|> before it.
	familyLlama3 = "llama3"
	// familyHermes: <tool_call> {"name": …, "arguments": {…}} </tool_call>, as Hermes,
	// Qwen 2.5 and Qwen 3 write it.
	familyHermes = "hermes"
	// familyMistral: [TOOL_CALLS] and either a list of {"name": …, "arguments": {…}}
	// (v1 to v7) or name[ARGS]{…} for each call (v11 and later).
	familyMistral = "mistral"
	// familyJSON: lines with {"name": …, "arguments": {…}}, as the system prompt says.
	familyJSON = "json"
)

// syntax is how calls are written.
type syntax struct {
	family string
	// opener begins a call, or all of them; empty where a call begins with its own
	// brace, at the start of a line.
	opener string
	closer string // ends a call; may be empty
	// openers are further beginnings that models write.
	openers []string

	// For grammars, see CallSyntax.
	open, close, separator string
	before, between, after string
	trigger                string
	parallel               bool
}

func hermesSyntax() *syntax {
	return &syntax{
		family: familyHermes, opener: "<tool_call>", closer: "</tool_call>", parallel: true,
		before: "<tool_call>\n{\"name\": \"", between: `", "arguments": `, after: "}\n</tool_call>", separator: "\n",
		trigger: "<tool_call>",
	}
}

func llama3Syntax(parallel bool) *syntax {
	return &syntax{
		family: familyLlama3, openers: []string{pythonTag}, parallel: parallel,
		before: `{"name": "`, between: `", "parameters": `, after: "}", separator: "; ",
		trigger: `{"name": "`,
	}
}

// pythonTag opens a call in Llama 3's formats, or code.
const pythonTag = "<|python_tag|>"

// mistralSyntax is that of versions whose calls are a list; between marker and list
// stands what the template writes there.
func mistralSyntax(gap string) *syntax {
	return &syntax{
		family: familyMistral, opener: toolCallsMarker, parallel: true,
		open: toolCallsMarker + gap + "[", close: "]",
		before: `{"name": "`, between: `", "arguments": `, after: "}", separator: ", ",
		trigger: toolCallsMarker,
	}
}

// mistralArgsSyntax is that of versions whose calls have a marker each.
func mistralArgsSyntax(between string) *syntax {
	return &syntax{
		family: familyMistral, opener: toolCallsMarker, parallel: true,
		before: toolCallsMarker, between: between,
		trigger: toolCallsMarker,
	}
}

// The markers of Mistral's formats.
const (
	toolCallsMarker = "[TOOL_CALLS]"
	argsMarker      = "[ARGS]"
	callIDMarker    = "[CALL_ID]"
)

func jsonSyntax() *syntax {
	return &syntax{
		family: familyJSON, parallel: true,
		before: `{"name": "`, between: `", "arguments": `, after: "}", separator: "\n",
		trigger: `{"name": "`,
	}
}

// markers are the texts of the syntax that may be tokens of their own.
func (s *syntax) markers() []string {
	var out []string
	for _, m := range append([]string{s.opener, s.closer}, s.openers...) {
		if m != "" {
			out = append(out, m)
		}
	}
	if strings.Contains(s.between, argsMarker) {
		out = append(out, argsMarker)
	}
	return out
}

// detect tells the syntax from how the template writes a call in the history; nil
// when it is none of those known here.
func detect(rendered string, parallel bool) *syntax {
	before, after, ok := strings.Cut(rendered, probeTool)
	if !ok {
		return nil
	}
	if i := strings.LastIndex(before, toolCallsMarker); i >= 0 {
		return detectMistral(before[i+len(toolCallsMarker):], after)
	}
	if i := strings.LastIndex(before, "<tool_call>"); i >= 0 {
		if strings.HasPrefix(strings.TrimSpace(before[i+len("<tool_call>"):]), "{") {
			return hermesSyntax()
		}
		return nil
	}
	value := strings.TrimLeft(after, `" ,`)
	if strings.HasSuffix(strings.TrimRight(before, " "), `{"name": "`) && strings.HasPrefix(value, `parameters"`) {
		return llama3Syntax(parallel)
	}
	return nil
}

func detectMistral(between, after string) *syntax {
	if gap, _, ok := strings.Cut(between, "["); ok {
		return mistralSyntax(gap)
	}
	if strings.HasPrefix(after, argsMarker) || strings.Contains(after, callIDMarker) {
		return mistralArgsSyntax(argsMarker)
	}
	if strings.HasPrefix(after, "{") {
		return mistralArgsSyntax("")
	}
	return nil
}
