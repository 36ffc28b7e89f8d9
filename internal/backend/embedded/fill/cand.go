package fill

import (
	"cmp"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// phrase is the kind of a candidate that is a run of plain words.
const phrase mention.Kind = 100

// cand is a part of the text that may be a value.
type cand struct {
	mention.Mention
	prep    string // the preposition before it: "in", "from", "by" …
	clause  int
	order   int
	end     end    // of "from X to Y", "between X and Y"
	partner int    // the other end, as an index of candidates; -1: none
	tail    *cand  // the last of its run, nil for that one itself
	head    *cand  // the first of its run, nil for that one itself
	run     int    // candidates joined by commas and "and" have the same number
	place   string // a name with what follows its comma: "San Francisco, CA"
	verb    string // first word of a phrase when that was a verb, taken off
}

// prepositions that say something of what follows them.
var prepositions = map[string]bool{
	"in": true, "at": true, "near": true, "from": true, "to": true, "for": true, "of": true, "by": true, "with": true, "about": true, "on": true, "using": true, "via": true, "through": true, "as": true, "called": true, "named": true, "titled": true, "between": true, "around": true, "into": true, "like": true, "than": true, "over": true, "under": true, "against": true, "until": true, "is": true, "are": true, "be": true, "was": true, "=": true, "towards": true, "within": true, "during": true, "regarding": true, "versus": true, "vs": true, "starring": true, "featuring": true, "after": true, "before": true, "since": true, "every": true,
}

// skipped are words between a preposition and its object.
var skipped = map[string]bool{"the": true, "a": true, "an": true, "my": true, "your": true, "our": true, "his": true, "her": true, "their": true, "this": true, "that": true, "of": false, "city": true, "town": true, "state": true, "country": true, "downtown": true, "both": true, "either": true, "about": true, "approximately": true, "roughly": true, "least": true, "most": true, "exactly": true}

// maxCands bounds the candidates of a text.
const maxCands = 800

// candidates lists what may be a value in a text, in order.
//
// Where no slot takes a list, its items stand for themselves; where none takes a
// date, a year is a number.
func candidates(t *mention.Text, lists, dates bool, own func(stem string) bool) []*cand {
	var out []*cand
	covered := make([]bool, len(t.Words)+1)
	for i := range t.Mentions {
		m := &t.Mentions[i]
		for j := m.T0; j < m.T1; j++ {
			covered[j] = true
		}
		if m.Kind == mention.Quote && strings.HasPrefix(t.S[m.End:], ":") {
			continue // the name of a member: 'email': 'x@y.z'
		}
		switch {
		case m.Kind == mention.List && !lists && numbers(m.Items):
			for _, item := range flat(m.Items) {
				out = append(out, &cand{Mention: item, partner: -1})
			}
		case m.Kind == mention.Date && !dates && m.Day == (mention.Day{Year: m.Day.Year}):
			year := *m
			year.Kind, year.Value, year.Integer = mention.Number, float64(m.Day.Year), true
			out = append(out, &cand{Mention: year, partner: -1})
		default:
			out = append(out, &cand{Mention: *m, partner: -1})
		}
	}
	out = append(out, phrases(t, covered)...)
	slices.SortStableFunc(out, func(a, b *cand) int { return cmp.Compare(a.Start, b.Start) })
	out = out[:min(len(out), maxCands)]
	out = slices.DeleteFunc(out, func(c *cand) bool { return counter(t, c, out, own) || restated(t, c, out) })
	sentences, clause := text.Sentences(t.S), 0
	for i, c := range out {
		c.order = i
		for clause < len(sentences) && sentences[clause].End <= c.Start {
			clause++
		}
		c.clause = clause
		c.prep = prepBefore(t, c.T0)
	}
	joinPlaces(t, out)
	ranges(t, out)
	runs(t, out)
	tails(out)
	return out
}

// restated reports whether a date such as "next Friday" is said again in full right
// after: "next Friday, June 30th 2023".
func restated(t *mention.Text, c *cand, list []*cand) bool {
	if c.Kind != mention.Date || c.Day.Relative == "" {
		return false
	}
	for _, o := range list {
		if o.Kind == mention.Date && o.Day.Month > 0 && o.Start > c.End && o.Start-c.End < 6 {
			gap := strings.TrimSpace(t.S[c.End:o.Start])
			return gap == "," || gap == "(" || gap == "the"
		}
	}
	return false
}

// flat lists the numbers of a list of lists.
func flat(items []mention.Mention) []mention.Mention {
	var out []mention.Mention
	for _, item := range items {
		if item.Kind == mention.List {
			out = append(out, flat(item.Items)...)
			continue
		}
		out = append(out, item)
	}
	return out
}

// counter reports whether a number only says how many values follow: "two points",
// "three sides: 3, 4 and 5".
func counter(t *mention.Text, c *cand, list []*cand, own func(string) bool) bool {
	if c.Kind != mention.Number || !c.Word || c.Ordinal || c.Value < 2 || c.Value > 12 {
		return false
	}
	count := map[mention.Kind]int{}
	for _, o := range list {
		if o.Start > c.Start && (o.Kind != mention.Number || !o.Word) {
			count[o.Kind]++
		}
	}
	n := int(c.Value)
	for _, w := range t.Words {
		if w.Start >= c.End && w.Start < c.End+3 && own(text.Stem(w.Norm)) {
			return false // "two nights", when nights are asked for
		}
	}
	return count[mention.Number] >= n || count[mention.List] >= n || count[mention.Name] == n && count[mention.Number] == 0
}

// maxPhrase is the most words of a phrase.
const maxPhrase = 6

// phrases lists runs of content words that are in no mention.
func phrases(t *mention.Text, covered []bool) []*cand {
	var out []*cand
	flush := func(from, to int) {
		verb := ""
		if from > 0 && from < to && measuredBy(t, from) {
			from++ // the unit of the number before
		}
		for to-from > 1 && trailing(t.Words[to-1].Norm) {
			to--
		}
		for from < to && verbs[t.Words[from].Norm] {
			verb = t.Words[from].Norm
			from++
		}
		if from >= to || to-from > maxPhrase {
			return
		}
		span := text.Span{Start: t.Words[from].Start, End: t.Words[to-1].End}
		out = append(out, &cand{Mention: mention.Mention{Span: span, Kind: phrase, Text: span.Of(t.S), T0: from, T1: to}, partner: -1, verb: verb})
	}
	from := -1
	for i, w := range t.Words {
		stop := covered[i] || text.Stopword(w.Norm) || prepositions[w.Norm] || asking[w.Norm]
		broken := from >= 0 && i > 0 && strings.Trim(t.Gap(i-1), " -'") != ""
		if from >= 0 && (stop || broken) {
			flush(from, i)
			from = -1
		}
		if !stop && from < 0 {
			from = i
		}
	}
	if from >= 0 {
		flush(from, len(t.Words))
	}
	return out
}

// asking are words of bidding and politeness, no values.
var asking = map[string]bool{
	"find": true, "get": true, "give": true, "show": true, "tell": true, "calculate": true, "compute": true, "determine": true, "create": true, "search": true, "retrieve": true, "fetch": true, "look": true, "want": true, "need": true, "like": true, "know": true, "help": true, "looking": true, "wondering": true, "check": true, "provide": true, "make": true, "what's": true, "tell me": true, "thanks": true, "thank": true, "hi": true, "hello": true, "hey": true, "going": true, "trying": true, "planning": true, "interested": true, "curious": true, "assist": true, "let's": true, "i'm": true, "respectively": true, "also": true, "then": true, "same": true, "kindly": true, "currently": true, "set": true, "much": true, "many": true,
}

// verbs open phrases without being part of their value.
var verbs = map[string]bool{
	"uses": true, "use": true, "using": true, "used": true, "contains": true, "containing": true, "includes": true, "including": true, "include": true, "offers": true, "offering": true, "offer": true, "has": true, "having": true, "requires": true, "requiring": true, "buy": true, "order": true, "book": true, "play": true, "plays": true, "playing": true, "send": true, "add": true, "prefer": true, "prefers": true, "serving": true, "serves": true, "called": true, "named": true, "translate": true, "convert": true, "identify": true, "predict": true, "estimate": true, "analyze": true, "compare": true, "recommend": true, "list": true, "locate": true, "generate": true, "draw": true, "plot": true, "reserve": true, "schedule": true, "purchase": true, "update": true, "delete": true, "remove": true, "explain": true, "describe": true, "start": true, "stop": true, "turn": true, "run": true, "living": true, "visit": true, "visiting": true, "taking": true, "made": true, "make": true, "wants": true,
}

// measuredBy reports whether word i is the unit of the number before it.
func measuredBy(t *mention.Text, i int) bool {
	for k := range t.Mentions {
		m := &t.Mentions[k]
		if m.Kind == mention.Number && !m.Ordinal && m.T1 == i && m.Unit == t.Words[i].Norm {
			return true
		}
	}
	return false
}

// trailing reports whether a word at the end of a phrase is most likely a verb:
// "chocolate cake including", "gravitation published".
func trailing(w string) bool {
	return len(w) > 5 && (strings.HasSuffix(w, "ing") || strings.HasSuffix(w, "ed")) || verbs[w]
}

// prepBefore returns the preposition that governs the word at i.
func prepBefore(t *mention.Text, i int) string {
	for j := i - 1; j >= 0 && j >= i-3; j-- {
		gap := t.Gap(j)
		if strings.ContainsAny(gap, ".;!?\n") || j+1 < i && strings.ContainsAny(gap, ",") {
			return ""
		}
		if strings.Contains(gap, "=") {
			return "="
		}
		if strings.Contains(gap, ":") {
			return ":"
		}
		w := t.Words[j].Norm
		if prepositions[w] {
			return w
		}
		if !skipped[w] {
			return ""
		}
	}
	return ""
}

// joinPlaces gives a name its place in full when a comma and another name follow:
// "Paris, France", "San Francisco, CA".
func joinPlaces(t *mention.Text, list []*cand) {
	for i, c := range list {
		if c.Kind != mention.Name || knownWhole[text.Fold(c.Text)] && !cityState[text.Fold(c.Text)] {
			continue
		}
		end := c.End
		for j := i + 1; j < len(list) && j <= i+2; j++ {
			next := list[j]
			if next.Kind != mention.Name || strings.TrimSpace(t.S[end:next.Start]) != "," || next.Start-end > 2 {
				break
			}
			// In an enumeration the next name stands by itself.
			after := strings.TrimLeft(t.S[next.End:], " ")
			if (strings.HasPrefix(after, ",") && !strings.HasPrefix(after, ", and") || strings.HasPrefix(after, "and ") || strings.HasPrefix(after, ", and ") || strings.HasPrefix(after, "or ")) && !stateCode(next.Text) && !knownWhole[text.Fold(next.Text)] {
				break
			}
			end = next.End
			if !stateCode(next.Text) && !knownWhole[text.Fold(next.Text)] && j > i+1 {
				break
			}
		}
		if end == c.End && c.T1 < len(t.Words) && t.Gap(c.T1-1) == " " && geography[t.Words[c.T1].Norm] {
			end = t.Words[c.T1].End // "the Amazon rainforest"
		}
		if end > c.End {
			c.place = t.S[c.Start:end]
		}
	}
}

func stateCode(s string) bool { return len(s) == 2 && strings.ToUpper(s) == s }

// cityState are names that both cities and greater places have.
var cityState = map[string]bool{"new york": true, "washington": true, "singapore": true, "mexico": true, "georgia": true}

// geography are the nouns that belong to the name of a place before them.
var geography = map[string]bool{"river": true, "rainforest": true, "ocean": true, "sea": true, "desert": true, "mountain": true, "mountains": true, "valley": true, "island": true, "islands": true, "lake": true, "bay": true, "forest": true, "beach": true, "peninsula": true, "coast": true, "county": true, "district": true, "province": true, "basin": true, "glacier": true, "reef": true, "canyon": true, "strait": true}

// knownWhole are countries and other places that follow a city after a comma.
var knownWhole = func() map[string]bool {
	m := map[string]bool{}
	for s := range strings.SplitSeq("usa,us,uk,france,germany,italy,spain,india,china,japan,canada,australia,brazil,mexico,england,scotland,ireland,latvia,russia,turkey,egypt,thailand,vietnam,indonesia,malaysia,singapore,portugal,netherlands,belgium,switzerland,austria,sweden,norway,denmark,finland,poland,greece,israel,california,texas,florida,washington,illinois,massachusetts,georgia,nevada,oregon,arizona,colorado,ohio,michigan,virginia,pennsylvania,south korea,korea,new zealand,south africa,argentina,chile,colombia,peru,kenya,nigeria,pakistan,bangladesh,philippines,united states,united kingdom,uae,united arab emirates,new york,north carolina,new jersey,tennessee,minnesota,wisconsin,maryland,missouri,indiana,utah,hawaii,alaska,louisiana,kentucky,oklahoma,iowa,kansas,ontario,quebec,british columbia,hungary,czech republic,romania,ukraine,d.c,dc", ",") {
		m[s] = true
	}
	return m
}()

// ranges pairs the ends of "from X to Y", "between X and Y" and "X to Y".
func ranges(t *mention.Text, list []*cand) {
	for i, c := range list {
		for j := i + 1; j < len(list) && j <= i+2; j++ {
			d := list[j]
			gap := strings.ToLower(strings.TrimSpace(t.S[c.End:d.Start]))
			if c.place != "" && d.Start < c.Start+len(c.place) {
				continue
			}
			if c.place != "" && d.Start >= c.Start+len(c.place) {
				gap = strings.ToLower(strings.TrimSpace(t.S[c.Start+len(c.place) : d.Start]))
			}
			words := strings.Fields(gap)
			if len(words) == 0 || len(words) > 3 {
				continue
			}
			link := words[len(words)-1]
			if len(words) > 1 && skipped[link] {
				link = words[len(words)-2]
			}
			sameKind := c.Kind == d.Kind || c.Kind == phrase || d.Kind == phrase
			switch {
			case link == "to" && sameKind, link == "until" && sameKind, link == "through" && sameKind, link == "till" && sameKind, link == "-" && c.Kind == d.Kind && c.prep == "from":
				if c.Kind == mention.Number && c.prep != "from" && c.prep != "between" && len(words) > 1 {
					continue
				}
				c.end, d.end, c.partner, d.partner = fromEnd, toEnd, j, i
			case link == "and" && c.prep == "between" && sameKind:
				c.end, d.end, c.partner, d.partner = fromEnd, toEnd, j, i
			default:
				continue
			}
			break
		}
		if c.partner < 0 && c.end == noEnd {
			switch c.prep {
			case "from", "since", "after":
				c.end = fromEnd
			case "to", "until", "before":
				c.end = toEnd
			}
		}
	}
}

// tails gives each candidate the last of its run.
func tails(list []*cand) {
	for i := len(list) - 2; i >= 0; i-- {
		c, next := list[i], list[i+1]
		if c.run == next.run && c.Kind == next.Kind {
			c.tail = next
			if next.tail != nil {
				c.tail = next.tail
			}
		}
	}
}

// runs numbers candidates that are coordinated: only commas, "and", "or" and small
// words stand between them.
func runs(t *mention.Text, list []*cand) {
	n := 0
	for i, c := range list {
		if i > 0 {
			p := list[i-1]
			end := p.End
			if rest := strings.TrimLeft(t.S[end:], " "); p.Unit != "" && len(rest) >= len(p.Unit) && strings.EqualFold(rest[:len(p.Unit)], p.Unit) {
				end = len(t.S) - len(rest) + len(p.Unit) // "6 cm and 10 cm"
			}
			if p.place != "" {
				end = max(end, p.Start+len(p.place))
			}
			journey := p.partner == i && p.prep != "between" && p.end == fromEnd
			if journey || c.Start >= end && !coordinated(t.S[end:c.Start]) {
				n++
			}
		}
		c.run = n
		if i > 0 && list[i-1].run == n {
			c.head = list[i-1]
			if c.head.head != nil {
				c.head = c.head.head
			}
			if c.head.Kind != c.Kind {
				c.head = nil
			} else if c.prep == "" {
				c.prep = c.head.prep
			}
		}
	}
}

func coordinated(gap string) bool {
	gap = strings.ToLower(gap)
	if !strings.ContainsAny(gap, ",&/") && !strings.Contains(gap, "and") && !strings.Contains(gap, "or") {
		return false
	}
	for _, w := range strings.FieldsFunc(gap, func(r rune) bool { return strings.ContainsRune(" ,&/.)('\"", r) }) {
		switch w {
		case "and", "or", "the", "a", "an", "also", "then", "as", "well", "in", "for", "of", "at", "to":
		default:
			return false
		}
	}
	return true
}
