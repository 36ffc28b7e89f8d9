package engine

import "strings"

// stopper finds stop sequences in a text that comes in pieces, wherever it is cut.
type stopper struct {
	sequences []string
	held      string // the end of the text so far, which may begin a sequence
}

// write takes the next piece. It returns what surely belongs to the answer, and the
// sequence that ends it, if one does.
func (s *stopper) write(text string) (out, stop string) {
	text = s.held + text
	s.held = ""
	first := len(text)
	for _, q := range s.sequences {
		if i := strings.Index(text[:min(first+len(q), len(text))], q); i >= 0 && (i < first || i == first && stop == "") {
			first, stop = i, q
		}
	}
	if stop != "" {
		return text[:first], stop
	}
	keep := 0
	for _, q := range s.sequences {
		for n := min(len(q)-1, len(text)); n > keep; n-- {
			if strings.HasSuffix(text, q[:n]) {
				keep = n
				break
			}
		}
	}
	s.held = text[len(text)-keep:]
	return text[:len(text)-keep], ""
}

// flush returns what was held back, when no more text comes.
func (s *stopper) flush() string {
	out := s.held
	s.held = ""
	return out
}
