package reader

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/choose"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/fill"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// What makes the reader call a tool without being forced to.
const (
	sureCall  = 0.5  // see choose.Tool.Relevant
	maxTools  = 256  // that are looked at
	sureAsk   = 0.62 // from which a missing argument is asked for
	maxParts  = 16
	maxAskLen = 16 << 10
)

// calls is what the tools of a request are good for.
type calls struct {
	uses    []llm.Block
	tool    string // that lacks arguments
	missing []fill.Missing
}

// callTools picks tools for an ask and fills their arguments. With results, tools
// that were called already are left out, and what they returned is looked at for
// arguments.
func callTools(req *llm.ChatRequest, a *ask, r *results) calls {
	tools := usable(req)
	if len(tools) == 0 || a.text == "" {
		return forceEmpty(req, tools)
	}
	said := a.text
	if len(said) > maxAskLen {
		said = head(a.question, maxAskLen)
	}
	src := fill.Source{Text: said, Earlier: a.earlier}
	for _, b := range req.System {
		if t, ok := b.(*llm.Text); ok {
			src.Earlier = append(src.Earlier, t.Text)
			if src.Today.IsZero() {
				src.Today = fill.Today(t.Text)
			}
		}
	}
	switch req.ToolChoice.Mode {
	case llm.ToolNamed, llm.ToolAny:
		return forced(req, tools, src)
	case llm.ToolNone:
		return calls{}
	default:
	}
	if smallTalk(a) != "" {
		return calls{}
	}
	var c calls
	for _, m := range parts(src.Text, tools) {
		if r != nil && r.called(m.Tool.Name) {
			continue
		}
		c.add(req, m, src, r)
	}
	if len(c.uses) == 0 && len(c.missing) == 0 && r == nil && len(a.earlier) > 0 && len(a.text) < shortAsk {
		c.followUp(req, tools, a, src)
	}
	if req.ToolChoice.DisableParallel && len(c.uses) > 1 {
		c.uses = c.uses[:1]
	}
	return c
}

// head is the beginning of a text, cut between runes.
func head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func usable(req *llm.ChatRequest) []*choose.Tool {
	var out []*choose.Tool
	for _, t := range req.Tools {
		if t.System || len(out) == maxTools {
			continue
		}
		if req.ToolChoice.Mode == llm.ToolNamed && t.Name != req.ToolChoice.Name {
			continue
		}
		out = append(out, choose.New(t))
	}
	return out
}

func parts(s string, tools []*choose.Tool) []choose.Match {
	list := choose.Split(s, tools)
	return list[:min(len(list), maxParts)]
}

// add calls a tool for the part of the text that asks for it, when it is meant.
func (c *calls) add(req *llm.ChatRequest, m choose.Match, src fill.Source, r *results) {
	part := src
	part.Text = m.Part
	if m.Part != src.Text {
		part.Earlier = append([]string{src.Text}, src.Earlier...)
	}
	if r != nil {
		part.Earlier = append(append([]string{}, part.Earlier...), r.facts()...)
	}
	sets := fill.Arguments(m.Tool.Name+" "+m.Tool.Description, m.Tool.Schema, part)
	sure := m.Tool.Relevant(m.Part, sets[0])
	need := sureCall
	if r != nil {
		need = sureAsk // what was answered already must not be asked again
	}
	for _, v := range sets {
		if len(v.Missing) > 0 {
			if len(c.missing) == 0 && r == nil && m.Tool.Meant(m.Part, v) >= sureAsk {
				c.tool, c.missing = m.Tool.Name, v.Missing
			}
			continue
		}
		if sure < need {
			return
		}
		args := v.Args
		if m.Tool.Strict {
			args = fill.Force(m.Tool.Schema, args)
		}
		c.uses = append(c.uses, use(req, m.Tool.Name, args, len(c.uses)))
	}
}

// followUp reads a short text as an addition to what was said before: "and in
// London?", or the value that was asked for.
func (c *calls) followUp(req *llm.ChatRequest, tools []*choose.Tool, a *ask, src fill.Source) {
	last := a.earlier[0]
	m := choose.Best(last, tools)[0]
	before := fill.Arguments(m.Tool.Name+" "+m.Tool.Description, m.Tool.Schema, fill.Source{Text: last, Today: src.Today})
	if m.Tool.Meant(last, before[0]) < sureAsk {
		return
	}
	for _, v := range fill.Arguments(m.Tool.Name+" "+m.Tool.Description, m.Tool.Schema, src) {
		if v.Found == 0 {
			return
		}
		if len(v.Missing) > 0 {
			c.tool, c.missing = m.Tool.Name, v.Missing
			continue
		}
		c.uses = append(c.uses, use(req, m.Tool.Name, v.Args, len(c.uses)))
	}
	if len(c.uses) > 0 {
		c.missing = nil
	}
}

// forced calls a tool whatever is missing.
func forced(req *llm.ChatRequest, tools []*choose.Tool, src fill.Source) calls {
	var c calls
	matches := parts(src.Text, tools)
	for _, m := range matches {
		part := src
		part.Text = m.Part
		if m.Part != src.Text {
			part.Earlier = append([]string{src.Text}, src.Earlier...)
		}
		for _, v := range fill.Arguments(m.Tool.Name+" "+m.Tool.Description, m.Tool.Schema, part) {
			if len(c.uses) > 0 && len(v.Missing) > 0 {
				continue
			}
			c.uses = append(c.uses, use(req, m.Tool.Name, fill.Force(m.Tool.Schema, v.Args), len(c.uses)))
		}
	}
	if req.ToolChoice.DisableParallel && len(c.uses) > 1 {
		c.uses = c.uses[:1]
	}
	return c
}

// forceEmpty calls a forced tool for a request without a text.
func forceEmpty(req *llm.ChatRequest, tools []*choose.Tool) calls {
	if len(tools) == 0 || req.ToolChoice.Mode != llm.ToolNamed && req.ToolChoice.Mode != llm.ToolAny {
		return calls{}
	}
	args := fill.Force(tools[0].Schema, json.RawMessage("{}"))
	return calls{uses: []llm.Block{use(req, tools[0].Name, args, 0)}}
}

// use makes a call. Its ID depends on the request and the call only, so that the
// same request has the same answer, and differs between turns.
func use(req *llm.ChatRequest, name string, args json.RawMessage, n int) *llm.ToolUse {
	h := sha256.New()
	var turn [16]byte
	binary.BigEndian.PutUint64(turn[:], uint64(len(req.Messages)))
	binary.BigEndian.PutUint64(turn[8:], uint64(n)) //nolint:gosec // a count
	h.Write(turn[:])
	h.Write([]byte(name + "\x00"))
	h.Write(args)
	id := base64.RawURLEncoding.EncodeToString(h.Sum(nil))[:22]
	return &llm.ToolUse{ID: "tooluse_" + id, Name: name, Input: args}
}

// question asks for the arguments that a tool needs and the text does not give.
func (c *calls) question() string {
	var names []string
	for _, m := range c.missing {
		name := strings.ReplaceAll(m.Name, "_", " ")
		if d := strings.TrimRight(firstSentence(m.Description), "."); d != "" && len(d) < 120 {
			name += " (" + d + ")"
		}
		names = append(names, name)
	}
	return "To call " + c.tool + " I need " + enumerate(names) + ". What should I use?"
}

func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i > 0 {
		return s[:i]
	}
	return s
}

// enumerate joins words as a sentence does.
func enumerate(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
