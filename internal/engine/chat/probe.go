package chat

import (
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/jinja"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Words that no template holds: where they come out, the template showed what they
// stood in.
const (
	probeSystem = "qzsystemqz"
	probeUser   = "qzuserqz"
	probeReply  = "qzreplyqz"
	probeNext   = "qznextqz"
	probeTool   = "qztoolqz"
	probeTool2  = "qzothertoolqz"
	probeKey    = "qzkeyqz"
	probeValue  = "qzvalueqz"
	probeResult = "qzresultqz"
	probeLongID = "tooluse_qzqzqzqzqz"
)

// Bounds on one question, so that a model with a hostile template is refused soon.
const (
	probeSteps = 200_000
	probeBytes = 8 << 20
)

// prober asks a template what it can do.
type prober struct{ m *model }

// text renders turns; ok is false when the template refuses them.
func (p *prober) text(turns []turn, tools ...llm.Tool) (string, bool) {
	limits := jinja.Options{Steps: probeSteps, Bytes: probeBytes}
	segments, err := p.m.render(&view{turns: turns, tools: tools, generate: true, limits: limits})
	if err != nil {
		return "", false
	}
	var b strings.Builder
	for _, s := range segments {
		b.WriteString(s.Text)
	}
	return b.String(), true
}

// shows reports whether the rendering of turns has all the words.
func (p *prober) shows(turns []turn, words ...string) bool {
	text, ok := p.text(turns)
	for _, w := range words {
		ok = ok && strings.Contains(text, w)
	}
	return ok
}

func says(r role, text string) turn { return turn{role: r, text: own("%s", text)} }

func calls(names ...string) turn {
	t := turn{role: roleAssistant}
	for _, name := range names {
		t.calls = append(t.calls, call{id: probeID(name), name: name, input: json.RawMessage(`{"` + probeKey + `": "` + probeValue + `"}`)})
	}
	return t
}

func answers(name, text string) turn {
	return turn{role: roleTool, id: probeID(name), name: name, text: own("%s", text)}
}

// probeID returns the ID of a call of a tool: nine letters and digits, as Mistral's
// formats want.
func probeID(name string) string {
	if name == probeTool {
		return "qzCall001"
	}
	return "qzCall002"
}

// probe sets the model's abilities and returns how a call looks in the history, or ""
// where it has no place.
func (m *model) probe() (callText string) {
	p := &prober{m: m}
	user := says(roleUser, probeUser)
	for _, form := range []abilities{{}, {parts: true}, {toolList: true}} {
		m.can.parts, m.can.toolList = form.parts, form.toolList
		if p.shows([]turn{user}, probeUser) {
			break
		}
	}
	m.can.system = p.shows([]turn{says(roleSystem, probeSystem), user}, probeSystem, probeUser)
	m.can.systemLater = m.can.system && p.shows([]turn{
		user, says(roleAssistant, probeReply), says(roleSystem, probeSystem), says(roleUser, probeNext),
	}, probeUser, probeReply, probeSystem, probeNext)
	text, ok := p.text([]turn{user}, llm.Tool{
		Name: probeTool, Description: probeValue, InputSchema: json.RawMessage(`{"type": "object", "properties": {"` + probeKey + `": {"type": "string"}}}`),
	})
	m.can.tools = ok && strings.Contains(text, probeTool) && strings.Contains(text, probeKey)
	return p.calls(user)
}

// calls finds the form in which the template takes a call.
func (p *prober) calls(user turn) string {
	can := &p.m.can
	one := []turn{user, calls(probeTool)}
	for _, form := range []abilities{{}, {noneContent: true}, {argumentsText: true}, {argumentsText: true, noneContent: true}} {
		can.argumentsText, can.noneContent = form.argumentsText, form.noneContent
		text, ok := p.text(one)
		// A text written as JSON once more has its quotes escaped.
		if ok && strings.Contains(text, probeTool) && strings.Contains(text, probeValue) && !strings.Contains(text, `\"`+probeKey) {
			can.calls = true
			p.afterCalls(one)
			return text
		}
	}
	can.argumentsText, can.noneContent = false, false
	return ""
}

// afterCalls finds what may follow a call.
func (p *prober) afterCalls(one []turn) {
	can := &p.m.can
	long := calls(probeTool)
	long.calls[0].id = probeLongID
	_, ok := p.text([]turn{one[0], long})
	can.shortIDs = !ok
	answered := append(one[:2:2], answers(probeTool, probeResult))
	can.results = p.shows(answered, probeTool, probeResult)
	can.userAfterResult = can.results && p.shows(append(answered[:3:3], says(roleUser, probeNext)), probeResult, probeNext)
	can.parallel = p.shows([]turn{
		one[0], calls(probeTool, probeTool2), answers(probeTool, probeResult), answers(probeTool2, probeNext),
	}, probeTool, probeTool2, probeResult, probeNext)
}

// end returns what the template writes after an answer and before the next turn.
func (m *model) end() string {
	p := &prober{m: m}
	text, ok := p.text([]turn{says(roleUser, probeUser), says(roleAssistant, probeReply), says(roleUser, probeNext)})
	if !ok {
		return ""
	}
	_, after, _ := strings.Cut(text, probeReply)
	after, _, ok = strings.Cut(after, probeNext)
	if !ok {
		return ""
	}
	return after
}
