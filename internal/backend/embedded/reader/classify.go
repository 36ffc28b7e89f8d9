package reader

import (
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/lexicon"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// maxClasses bounds the labels of an ask to classify.
const maxClasses = 30

// classify answers an ask to sort a text under one of several labels, by the label
// whose words the text has, or, for labels such as positive and negative, by its
// words of praise and blame. It is empty for any other ask.
func classify(m *material, a *ask) string {
	labels, rest := classes(a.question)
	if len(labels) < 2 {
		return ""
	}
	var sb strings.Builder
	sb.WriteString(rest)
	for i := range m.sources {
		if o := m.sources[i].origin; o != fromSystem && o != fromTurn {
			sb.WriteString("\n" + m.sources[i].text)
		}
	}
	subject := sb.String()
	if at := lexicon.Mood(labels, subject); at >= 0 {
		return labels[at]
	}
	count := map[string]int{}
	for _, t := range text.Terms(subject) {
		count[t]++
	}
	best, score := -1, 0
	for i, l := range labels {
		n := 0
		for _, t := range text.Terms(l) {
			n += 2 * count[t]
			for _, also := range lexicon.Synonyms(t) {
				n += count[also]
			}
		}
		if n > score {
			best, score = i, n
		}
	}
	if best < 0 {
		return "The text has no words that speak for one of " + enumerate(labels) + "."
	}
	return labels[best]
}

// classes reads the labels of an ask to classify, and the text after them.
func classes(s string) (labels []string, rest string) {
	words := text.Words(s[:min(len(s), 400)])
	asked := false
	for i, w := range words {
		switch w.Norm {
		case "classify", "categorize", "categorise", "label", "sort", "sentiment", "category":
			asked = asked || i < 12
		}
	}
	if !asked {
		return nil, ""
	}
	lower := text.Lower(s)
	from := -1
	for _, mark := range []string{" as either ", " as one of ", " into one of ", "one of the following categories", "one of: ", " into ", " under ", " as ", "categories: ", "labels: ", "classes: ", "options: "} {
		if i := strings.Index(lower, mark); i >= 0 {
			from = i + len(mark)
			break
		}
	}
	if from < 0 {
		return nil, ""
	}
	list := s[from:]
	end := len(list)
	for i, r := range list {
		if r == '\n' || r == ':' && i > 0 && strings.TrimSpace(list[:i]) != "" || r == '.' || r == ';' {
			end = i
			break
		}
	}
	rest = list[min(end+1, len(list)):]
	list = strings.TrimLeft(list[:end], ": ")
	list = strings.NewReplacer(" or ", ",", " and ", ",", "/", ",", "(", "", ")", "", "[", "", "]", "").Replace(list)
	for part := range strings.SplitSeq(list, ",") {
		part = strings.Trim(strings.TrimSpace(part), `"'`+"`?!")
		if part == "" {
			continue
		}
		if len(strings.Fields(part)) > 4 || len(labels) == maxClasses {
			return nil, ""
		}
		labels = append(labels, part)
	}
	return labels, rest
}
