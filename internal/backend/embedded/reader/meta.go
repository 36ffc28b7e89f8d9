package reader

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/text"
)

// self is how the reader introduces itself.
const self = "I am outcrop.reader-v1, a reader that answers only from what a request holds: documents, search results, tool results, the system prompt and the conversation"

// betterModel says how to have a general model answer instead.
const betterModel = "For general questions, map this model ID to a chat model in Outcrop's configuration (an Ollama or llama.cpp server, any OpenAI-compatible endpoint, or an Anthropic API key); \"outcrop models\" shows what serves which ID."

// smallTalk answers greetings, thanks and questions about the reader itself; empty
// for anything else.
func smallTalk(a *ask) string {
	words := text.Words(a.text)
	if len(words) == 0 || len(words) > 12 {
		return ""
	}
	norm := make([]string, 0, len(words))
	for _, w := range words {
		norm = append(norm, w.Norm)
	}
	said := " " + strings.Join(norm, " ") + " "
	has := func(phrases ...string) bool {
		for _, p := range phrases {
			if strings.Contains(said, " "+p+" ") {
				return true
			}
		}
		return false
	}
	switch {
	case has("who are you", "what are you", "what is your name", "what's your name", "your name", "which model are you", "what model are you", "introduce yourself", "are you chatgpt", "are you claude", "are you an ai"):
		return self + ". I have no general knowledge. " + betterModel
	case has("what can you do", "how can you help", "what do you do", "how do you work", "what are you able", "your capabilities"):
		return self + ". I quote the sentences that answer a question, with citations where they are enabled; I summarise; I choose tools and fill in their arguments; I tell what tools returned; and I fill JSON schemas."
	case greeting(norm):
		return capital(words[0].Of(a.text)) + "! " + self + ". Give me a text and a question about it, or tools to call."
	case has("thank you", "thanks", "thx") && len(words) <= 6:
		return "You're welcome."
	case has("goodbye", "good bye", "see you", "bye") && len(words) <= 4:
		return "Goodbye."
	}
	return ""
}

func greeting(words []string) bool {
	if len(words) > 6 {
		return false
	}
	switch words[0] {
	case "hi", "hello", "hey", "greetings", "hallo", "bonjour", "hola", "ciao", "moin", "ola", "hej":
	case "good":
		if len(words) < 2 || words[1] != "morning" && words[1] != "afternoon" && words[1] != "evening" && words[1] != "day" {
			return false
		}
	default:
		return false
	}
	for _, w := range words[1:] {
		switch w {
		case "there", "all", "everyone", "world", "how", "are", "you", "doing", "today", "morning", "afternoon", "evening", "day", "assistant", "friend", "again", "reader", "outcrop", "claude", "to":
		default:
			return false
		}
	}
	return true
}

func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// nothing says that a request holds nothing to answer from, and what was asked.
func nothing(m *material, a *ask, q *question) string {
	var sb strings.Builder
	switch about := q.about(); {
	case a.text == "":
		sb.WriteString("The request holds no text to answer.")
	case about == "":
		sb.WriteString("You wrote: “" + clip(oneLine(a.text)) + "”")
	default:
		sb.WriteString("You asked " + q.asked() + about + ", and the request holds no text that says anything about it.")
	}
	if note := m.unreadNote(); note != "" {
		sb.WriteString(" " + note)
	}
	sb.WriteString(" " + self + ". I have no general knowledge to answer from. " + betterModel)
	return sb.String()
}

// unsaid says that the given text does not answer.
func unsaid(m *material, a *ask, q *question) string {
	own := true
	for i := range m.sources {
		own = own && (m.sources[i].origin == fromSystem || m.sources[i].origin == fromTurn || m.sources[i].origin == fromAsk)
	}
	if own {
		return nothing(m, a, q)
	}
	reply := "The given text does not say"
	if about := q.about(); about != "" {
		reply = "The given text says nothing that answers a question " + about
	}
	reply += "."
	if note := m.unreadNote(); note != "" {
		reply += " " + note
	}
	return reply
}

// asked says in words what kind of question it was.
func (q *question) asked() string {
	switch q.wants {
	case wantPerson:
		return "for a person, "
	case wantDate:
		return "for a date, "
	case wantPlace:
		return "for a place, "
	case wantNumber:
		return "for a number, "
	case wantReason:
		return "for a reason, "
	case wantManner:
		return "how to do something, "
	default:
		return ""
	}
}

// about names the words that a question is about.
func (q *question) about() string {
	var words []string
	seen := map[string]bool{}
	for _, w := range text.Words(q.text) {
		stem := text.Stem(w.Norm)
		if q.has(stem) && !seen[stem] && len(words) < 8 {
			seen[stem] = true
			words = append(words, w.Of(q.text))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "about “" + strings.Join(words, " ") + "”"
}

// unreadNote says what media the reader cannot see.
func (m *material) unreadNote() string {
	if len(m.unread) == 0 {
		return ""
	}
	count := map[string]int{}
	var order []string
	for _, u := range m.unread {
		if count[u] == 0 {
			order = append(order, u)
		}
		count[u]++
	}
	for i, u := range order {
		if count[u] > 1 {
			order[i] = strings.TrimPrefix(u, "a ") + "s"
			order[i] = "several " + order[i]
		}
	}
	return "Note: the request also holds " + strings.Join(order, " and ") + ", which this model cannot see or hear."
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
