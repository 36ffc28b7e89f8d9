package reader

import (
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// ask is what the conversation's last speaker wants, taken apart into the question
// and the material that stands around it.
type ask struct {
	message  int    // which message asks
	text     string // all the text of that message
	question string
	context  []string // the rest of its text, to answer from
	earlier  []string // what the user said before, last first
}

// findAsk finds the ask of a conversation: the last message of the user that has
// text, which is not the last one when that brings tool results only.
func findAsk(req *llm.ChatRequest) *ask {
	a := &ask{message: -1}
	for i := len(req.Messages) - 1; i >= 0; i-- {
		m := &req.Messages[i]
		if m.Role == llm.Assistant {
			continue
		}
		texts := messageTexts(m)
		if len(texts) == 0 {
			continue
		}
		if a.message < 0 {
			a.message = i
			a.text = strings.Join(texts, "\n\n")
			a.split(texts)
			continue
		}
		a.earlier = append(a.earlier, strings.Join(texts, "\n\n"))
	}
	return a
}

// messageTexts returns what a message says, queries in guard blocks included.
func messageTexts(m *llm.Message) []string {
	var texts []string
	for _, b := range m.Content {
		switch b := b.(type) {
		case *llm.Text:
			if strings.TrimSpace(b.Text) != "" {
				texts = append(texts, b.Text)
			}
		case *llm.Guard:
			if b.Image == nil && isQuery(b) && strings.TrimSpace(b.Text) != "" {
				texts = append(texts, b.Text)
			}
		}
	}
	return texts
}

// labels introduce the question or the material in prompts that hold both.
var (
	questionLabels = []string{"question:", "q:", "query:", "user question:", "task:", "instruction:", "instructions:"}
	contextLabels  = []string{"context:", "text:", "passage:", "document:", "article:", "background:", "source:", "content:", "search results:", "paragraph:", "transcript:", "input:"}
)

// shortAsk is a length up to which a text is taken for a question as a whole.
const shortAsk = 300

// split finds the question in the texts of a message.
func (a *ask) split(texts []string) {
	if q, rest, ok := tagged(a.text); ok {
		a.question, a.context = q, rest
		return
	}
	if q, rest, ok := labelled(a.text); ok {
		a.question, a.context = q, rest
		return
	}
	// The block that asks, when the others only tell.
	if len(texts) > 1 {
		for i, last := range slices.Backward(texts) {
			if asks(last) && len(last) <= shortAsk {
				a.question = strings.TrimSpace(last)
				for j, t := range texts {
					if j != i {
						a.context = append(a.context, t)
					}
				}
				return
			}
		}
	}
	a.question, a.context = splitText(a.text)
}

// tagged reads <question>…</question> and what stands in other tags.
func tagged(s string) (question string, rest []string, ok bool) {
	for _, name := range []string{"question", "query", "user_question", "task"} {
		open, closing := "<"+name+">", "</"+name+">"
		i := strings.Index(s, open)
		j := strings.LastIndex(s, closing)
		if i < 0 || j < i {
			continue
		}
		question = strings.TrimSpace(s[i+len(open) : j])
		for _, part := range []string{s[:i], s[j+len(closing):]} {
			if part = unwrap(strings.TrimSpace(part)); part != "" {
				rest = append(rest, part)
			}
		}
		return question, rest, question != ""
	}
	return "", nil, false
}

// unwrap takes the tags off a text that stands between two: "<context>…</context>".
func unwrap(s string) string {
	open := strings.IndexByte(s, '>')
	closing := strings.LastIndex(s, "</")
	if !strings.HasPrefix(s, "<") || open < 0 || open > 40 || closing < open || !strings.HasSuffix(s, ">") {
		return s
	}
	return strings.TrimSpace(s[open+1 : closing])
}

// labelled reads "Question: …" and "Context: …" lines.
func labelled(s string) (question string, rest []string, ok bool) {
	lower := text.Lower(s)
	at, width := -1, 0
	for _, l := range questionLabels {
		i := strings.LastIndex(lower, l)
		if i >= 0 && (i == 0 || lower[i-1] == '\n') && i > at {
			at, width = i, len(l)
		}
	}
	if at < 0 {
		return "", nil, false
	}
	question = s[at+width:]
	before := s[:at]
	for _, l := range append(contextLabels, "answer:", "a:") {
		if i := strings.Index(text.Lower(question), "\n"+l); i >= 0 {
			after := question[i+1+len(l):]
			question = question[:i]
			if strings.TrimSpace(after) != "" {
				rest = append(rest, after)
			}
		}
	}
	if strings.TrimSpace(before) != "" {
		rest = append(rest, before)
	}
	question = strings.TrimSpace(question)
	return question, rest, question != ""
}

// splitText finds the question in a text: its last sentence that asks, or its
// first or last that bids; the rest is material. A short text is one question.
func splitText(s string) (string, []string) {
	s = strings.TrimSpace(s)
	spans := text.Sentences(s)
	if len(spans) <= 1 {
		return s, nil
	}
	pick := -1
	for i, p := range slices.Backward(spans) {
		if strings.ContainsAny(lastRune(p.Of(s)), "?？؟") {
			pick = i
			break
		}
	}
	if pick < 0 {
		for _, i := range []int{0, len(spans) - 1} {
			if bids(spans[i].Of(s)) {
				pick = i
				break
			}
		}
	}
	if pick < 0 {
		return s, nil
	}
	question := spans[pick].Of(s)
	if n := len(question); n > 2*shortAsk {
		question = question[n-2*shortAsk:]
	}
	end := spans[pick].End
	if i := strings.Index(question, ": "); i > 0 && i < 80 && len(question) > i+20 && bids(question) {
		end = spans[pick].Start + i + 1 // "Summarize this: …": what follows is material
		question = question[:i]
	}
	var rest []string
	for _, part := range []string{s[:spans[pick].Start], s[end:]} {
		if len(strings.TrimSpace(part)) > 0 {
			rest = append(rest, part)
		}
	}
	return question, rest
}

func lastRune(s string) string {
	s = strings.TrimRight(s, "\"'”’)]» ")
	if s == "" {
		return ""
	}
	r := []rune(s[max(0, len(s)-4):])
	return string(r[len(r)-1])
}

// asks reports whether a text is or holds a question or a bid.
func asks(s string) bool { return strings.ContainsAny(s, "?？؟") || bids(s) }

// bids reports whether a sentence tells somebody to do something.
func bids(s string) bool {
	words := text.Words(s[:min(len(s), 80)])
	if len(words) > 0 && words[0].Norm == "please" {
		words = words[1:]
	}
	if len(words) == 0 {
		return false
	}
	_, ok := bidding[words[0].Norm]
	return ok
}

var bidding = map[string]struct{}{
	"summarise": {}, "summarize": {}, "list": {}, "tell": {}, "explain": {}, "describe": {}, "give": {}, "find": {}, "show": {}, "extract": {}, "name": {}, "classify": {}, "translate": {}, "answer": {}, "write": {}, "create": {}, "calculate": {}, "compare": {}, "define": {}, "identify": {}, "state": {}, "tl;dr": {}, "quote": {}, "outline": {},
	"what": {}, "who": {}, "when": {}, "where": {}, "why": {}, "how": {}, "which": {}, "fasse": {}, "nenne": {}, "resume": {}, "decide": {}, "determine": {}, "categorize": {}, "categorise": {}, "label": {}, "fill": {}, "return": {}, "use": {}, "using": {}, "based": {},
}
