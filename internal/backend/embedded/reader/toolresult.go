package reader

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/fill"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// results are what tools returned since the user's last ask.
type results struct {
	list []result
}

type result struct {
	name   string // of the tool; empty when its call is not in the request
	input  json.RawMessage
	failed bool
	values []value  // JSON parts
	texts  []string // other text
	media  bool     // documents and search results, which are read like others
}

// pending finds the results that came after the ask and wait for an answer; nil when
// there are none.
func pending(req *llm.ChatRequest, a *ask) *results {
	last := &req.Messages[len(req.Messages)-1]
	if last.Role == llm.Assistant || !hasResult(last) {
		return nil
	}
	uses := map[string]*llm.ToolUse{}
	r := &results{}
	for i := range req.Messages {
		for _, b := range req.Messages[i].Content {
			switch b := b.(type) {
			case *llm.ToolUse:
				uses[b.ID] = b
			case *llm.ToolResult:
				if i >= a.message {
					r.add(b, uses[b.ToolUseID])
				}
			}
		}
	}
	return r
}

func hasResult(m *llm.Message) bool {
	for _, b := range m.Content {
		if _, ok := b.(*llm.ToolResult); ok {
			return true
		}
	}
	return false
}

func (r *results) add(b *llm.ToolResult, use *llm.ToolUse) {
	res := result{failed: b.Error}
	if use != nil {
		res.name, res.input = use.Name, use.Input
	}
	for _, c := range b.Content {
		switch c := c.(type) {
		case *llm.JSON:
			res.values = append(res.values, readValue(c.Value))
		case *llm.Text:
			s := strings.TrimSpace(c.Text)
			if len(s) > 0 && (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s)) {
				res.values = append(res.values, readValue(json.RawMessage(s)))
			} else if s != "" {
				res.texts = append(res.texts, s)
			}
		case *llm.Document, *llm.SearchResult:
			res.media = true
		}
	}
	r.list = append(r.list, res)
}

func (r *results) called(name string) bool {
	return slices.ContainsFunc(r.list, func(x result) bool { return x.name == name })
}

// facts tells the results in words, newest first, for arguments to be found in.
func (r *results) facts() []string {
	var out []string
	for _, res := range slices.Backward(r.list) {
		var sb strings.Builder
		for _, v := range res.values {
			for _, l := range v.leaves(nil, nil) {
				sb.WriteString(words(l.path[max(len(l.path)-1, 0):]) + ": " + l.text + "\n")
			}
		}
		for _, t := range res.texts {
			sb.WriteString(t + "\n")
		}
		out = append(out, sb.String())
	}
	return out
}

// How much of results is told.
const (
	maxRows    = 20
	maxDetails = 6
	shortText  = 600
)

// tell answers an ask from tool results. Long texts, documents and search results
// among them are read like any other source.
func (r *results) tell(m *material, a *ask) []llm.Block {
	q := analyse(a.question)
	var said []string
	for i := range r.list {
		res := &r.list[i]
		if s := res.sentence(q, len(r.list) > 1); s != "" {
			said = append(said, s)
		}
	}
	if len(said) == 0 {
		if len(m.sentences) == 0 {
			return []llm.Block{&llm.Text{Text: "The tools returned nothing that can be read."}}
		}
		return answer(m, a)
	}
	c := &composer{m: m}
	c.say(strings.Join(said, "\n"))
	m.notes(c)
	return c.blocks
}

// sentence tells one result; empty when it must be read like a document.
func (res *result) sentence(q *question, several bool) string {
	subject := ""
	if several {
		subject = res.label()
	}
	switch {
	case res.failed:
		return res.failure()
	case len(res.values) == 0 && len(res.texts) == 0 && res.media:
		return ""
	case len(res.values) == 0 && len(res.texts) == 0:
		return capital(strings.TrimSpace(res.label()+" returned nothing")) + "."
	}
	var out []string
	for _, v := range res.values {
		out = append(out, tellValue(q, v, subject))
	}
	for _, t := range res.texts {
		if len(t) > shortText {
			return ""
		}
		if subject != "" {
			t = subject + ": " + t
		}
		out = append(out, t)
	}
	return strings.Join(out, " ")
}

func (res *result) failure() string {
	why := strings.Join(res.texts, " ")
	for _, v := range res.values {
		var parts []string
		for _, l := range v.leaves(nil, nil) {
			parts = append(parts, l.String())
		}
		why = strings.TrimSpace(why + " " + strings.Join(parts, "; "))
	}
	name := res.name
	if name == "" {
		name = "the tool"
	}
	if why == "" {
		return "The call of " + name + " failed, and it gave no reason."
	}
	return "The call of " + name + " failed: " + strings.TrimRight(clip(why), ".") + "."
}

// label names a result by the arguments of its call: "Paris", "instance i-1".
func (res *result) label() string {
	var parts []string
	for _, l := range readValue(res.input).leaves(nil, nil) {
		if l.text != "" && len(parts) < 3 {
			parts = append(parts, l.text)
		}
	}
	if len(parts) == 0 {
		return res.name
	}
	return res.name + " (" + strings.Join(parts, ", ") + ")"
}

// tellValue makes a sentence of a JSON value.
func tellValue(q *question, v value, subject string) string {
	if rows, name, rest := v.table(); rows != nil {
		return tellRows(q, rows, name, rest, subject)
	}
	leaves := v.leaves(nil, nil)
	if len(leaves) == 0 {
		return lead(subject) + "the result is empty."
	}
	best := bestLeaf(q, leaves)
	if best < 0 {
		return lead(subject) + details(leaves, -1) + "."
	}
	l := leaves[best]
	sentence := lead(subject) + clause(q, l, subject != "")
	more := details(leaves, best)
	if _, _, ok := turned(q.text); ok && subject == "" && len(leaves) > 1 && unnamed(q, l) {
		more = words(l.path) + "; " + more
	}
	if more != "" {
		sentence += " (" + more + ")"
	}
	return sentence + "."
}

func lead(subject string) string {
	if subject == "" {
		return ""
	}
	return subject + ": "
}

// clause says a value as an answer: in the question's own words where they can be
// turned around, else by the value's name.
func clause(q *question, l leaf, brief bool) string {
	value := l.shown()
	if s, verb, ok := turned(q.text); ok && !brief {
		return capital(s) + " " + verb + " " + value
	}
	name := words(l.path)
	if name == "" {
		return value
	}
	return capital("the "+name) + " is " + value
}

// turned makes the subject of an answer out of a question: "What is the CPU
// utilization of instance i-1?" gives "the CPU utilization of instance i-1", "is".
func turned(s string) (subject, verb string, ok bool) {
	s = strings.TrimRight(strings.TrimSpace(s), "?！？ .")
	low := text.Lower(s)
	for _, p := range []string{"can you tell me ", "could you tell me ", "please tell me ", "tell me ", "do you know ", "please "} {
		if strings.HasPrefix(low, p) {
			s, low = s[len(p):], low[len(p):]
		}
	}
	for _, p := range []struct{ prefix, verb string }{
		{"what is ", "is"}, {"what's ", "is"}, {"what are ", "are"}, {"what was ", "was"}, {"what were ", "were"}, {"what will be ", "will be"},
	} {
		if rest, found := strings.CutPrefix(low, p.prefix); found {
			subject = s[len(s)-len(rest):]
			if len(subject) > 160 || strings.ContainsAny(subject, "?!\n") || len(subject) == 0 {
				return "", "", false
			}
			for _, w := range []string{"the ", "its ", "their "} {
				if strings.HasPrefix(low[len(p.prefix):], w) {
					return subject, p.verb, true
				}
			}
			return "", "", false
		}
	}
	return "", "", false
}

// bestLeaf returns the leaf whose name the question asks for, or -1.
func bestLeaf(q *question, leaves []leaf) int {
	best, score := -1, 0.0
	for i, l := range leaves {
		s := 0.0
		names := 0
		for _, part := range l.path {
			for _, w := range fill.NameWords(part) {
				names++
				stem := text.Stem(w)
				switch {
				case q.has(stem):
					s += 1
				case q.hasAlso(stem):
					s += 0.6
				}
			}
		}
		s /= float64(max(names, 1)) * 0.5
		if q.wants == wantNumber && l.number {
			s += 0.3
		}
		if l.number && s > 0 {
			s += 0.2
		}
		if strings.Contains(strings.ToLower(q.text), strings.ToLower(l.text)) && len(l.text) > 1 {
			s -= 1 // what the question says already
		}
		if s > score {
			best, score = i, s
		}
	}
	if best < 0 {
		return only(leaves)
	}
	return best
}

// only returns the value that is the answer whatever its name: the one there is, or the
// one number among words. -1: there is none.
func only(leaves []leaf) int {
	if len(leaves) == 1 {
		return 0
	}
	number := -1
	for i, l := range leaves {
		if l.number && number >= 0 {
			return -1
		}
		if l.number {
			number = i
		}
	}
	return number
}

// unnamed reports whether no word of a value's name is in the question, so that an answer
// in the question's words has to say what the value is called.
func unnamed(q *question, l leaf) bool {
	for _, part := range l.path {
		for _, w := range fill.NameWords(part) {
			if stem := text.Stem(w); q.has(stem) || q.hasAlso(stem) {
				return false
			}
		}
	}
	return len(l.path) > 0
}

func (q *question) hasAlso(stem string) bool {
	for i := range q.terms {
		if slices.Contains(q.terms[i].also, stem) {
			return true
		}
	}
	return false
}

// details lists the other values: "period: last hour; unit: Percent".
func details(leaves []leaf, but int) string {
	var parts []string
	more := 0
	for i, l := range leaves {
		if i == but || l.text == "" {
			continue
		}
		if len(parts) == maxDetails*2 || but >= 0 && len(parts) == maxDetails {
			more++
			continue
		}
		parts = append(parts, l.String())
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// tellRows tells a list of objects or scalars.
func tellRows(q *question, rows []value, name string, rest []leaf, subject string) string {
	noun := words([]string{name})
	if noun == "" {
		noun = "results"
	}
	if len(rows) == 1 {
		noun = strings.TrimSuffix(noun, "s")
	}
	kept := matchingRows(q, rows)
	var sb strings.Builder
	sb.WriteString(lead(subject))
	switch {
	case len(rows) == 0:
		return sb.String() + "there are no " + noun + "."
	case q.wants == wantNumber && strings.Contains(strings.ToLower(q.text), "how many"):
		if len(kept) < len(rows) {
			sb.WriteString(strconv.Itoa(len(kept)) + " of " + strconv.Itoa(len(rows)) + " " + noun + ": ")
		} else {
			sb.WriteString(strconv.Itoa(len(rows)) + " " + noun + ": ")
		}
	case len(kept) < len(rows):
		sb.WriteString(strconv.Itoa(len(kept)) + " of " + strconv.Itoa(len(rows)) + " " + noun + ": ")
	default:
		sb.WriteString(strconv.Itoa(len(rows)) + " " + noun + ": ")
	}
	var parts []string
	for i, row := range kept {
		if i == maxRows {
			parts = append(parts, fmt.Sprintf("and %d more", len(kept)-maxRows))
			break
		}
		parts = append(parts, tellRow(row))
	}
	sb.WriteString(strings.Join(parts, "; "))
	if len(rest) > 0 {
		sb.WriteString(" (" + details(rest, -1) + ")")
	}
	return sb.String() + "."
}

// tellRow names an object by its first value, the others in parentheses.
func tellRow(v value) string {
	leaves := v.leaves(nil, nil)
	if len(leaves) == 0 {
		return "(empty)"
	}
	if v.scalar {
		return leaves[0].shown()
	}
	head := 0
	for i, l := range leaves {
		if n := strings.ToLower(l.path[len(l.path)-1]); n == "name" || n == "title" || strings.HasSuffix(n, "id") {
			head = i
			break
		}
	}
	s := leaves[head].shown()
	if more := details(leaves, head); more != "" {
		s += " (" + more + ")"
	}
	return s
}

// matchingRows keeps the rows that have a value the question names, "running" or
// "i-1"; all when none has.
func matchingRows(q *question, rows []value) []value {
	var kept []value
	for _, row := range rows {
		for _, l := range row.leaves(nil, nil) {
			terms := text.Terms(l.text)
			if len(terms) == 0 || len(terms) > 4 || l.number {
				continue
			}
			all := true
			for _, t := range terms {
				all = all && q.has(t)
			}
			if all {
				kept = append(kept, row)
				break
			}
		}
	}
	if len(kept) == 0 {
		return rows
	}
	return kept
}
