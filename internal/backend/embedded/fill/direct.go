package fill

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/lexicon"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// direct finds the values that a slot gets by its own words rather than from a
// candidate: choices, booleans, names of the lexicon, assignments.
func (f *filler) direct(s *slot) []label {
	if list := f.assigned(s); len(list) > 0 {
		return list
	}
	if len(s.choice) > 0 {
		if list := f.chosen(s); len(list) > 0 {
			return list
		}
		if l, ok := f.mood(s); ok {
			return []label{l}
		}
	}
	if list := f.exemplified(s); len(list) > 0 && (s.role == roleNone || s.role == roleFormat || s.role == roleQuery && !s.required) {
		return list
	}
	if l, ok := f.state(s); ok {
		return []label{l}
	}
	switch {
	case s.isArray() && s.leaf().Type == schema.Object && len(s.leaf().Props) > 0:
		return f.records(s)
	case s.node.Type == schema.Boolean:
		return f.boolean(s)
	case s.role == roleNamespace || s.role == roleMetric || s.role == roleRegion || s.role == rolePlace && s.has("region") || s.role == roleID:
		return f.looked(s)
	case len(s.choice) > 0 && s.role != roleFormat:
		return nil
	case s.role == roleCurrency, s.role == roleUnit, s.role == roleLanguage, s.role == roleFormat:
		return f.worded(s)
	}
	return nil
}

// state finds the code of a state where the description asks for an abbreviation.
func (f *filler) state(s *slot) (label, bool) {
	if !s.has("state") || !strings.Contains(s.desc, "abbr") && !strings.Contains(s.desc, "'ca'") && !strings.Contains(s.desc, "two-letter") {
		return label{}, false
	}
	for _, c := range f.cands {
		if c.Kind != mention.Name {
			continue
		}
		if code := lexicon.State(c.Text); code != "" {
			v, ok := stringValue(s, code)
			return label{slot: s, cand: c, start: c.Start, end: c.End, score: 1.5, value: v}, ok
		}
	}
	return label{}, false
}

// maxNested bounds the nesting of lists of objects that are filled.
const maxNested = 3

// records fills a list of objects: one for each set of values that the text has.
func (f *filler) records(s *slot) []label {
	if f.depth >= maxNested {
		return nil
	}
	g := newFillerAt(strings.Join(nameWords(s.jsonName()), " "), s.leaf(), f.t.S, f.today, f.depth+1)
	g.label()
	var out []label
	for _, c := range g.group() {
		v := g.values(c)
		if v.Found == 0 || len(v.Missing) > 0 {
			continue
		}
		start := 0
		if len(v.Words) > 0 {
			start = v.Words[0].Start
		}
		out = append(out, label{slot: s, start: start, end: start, score: 1, value: v.Args})
	}
	return out
}

// assigned reads "name=value" and "name: value" with the slot's own name.
func (f *filler) assigned(s *slot) []label {
	name := s.jsonName()
	if len(name) == 0 {
		return nil
	}
	var out []label
	for _, c := range f.cands {
		if c.T0 == 0 || c.prep != "=" && c.prep != ":" || c.head != nil {
			continue
		}
		w := f.t.Words[c.T0-1]
		start := w.Start
		for start > 0 && isNameByte(f.t.S[start-1]) {
			start--
		}
		if f.t.S[start:w.End] != name {
			continue
		}
		if v, ok := f.valueOf(s, c); ok {
			out = append(out, label{slot: s, cand: c, start: c.Start, end: c.End, score: 1.9, value: v})
			for _, o := range f.cands {
				if more, ok := f.valueOf(s, o); ok && s.isArray() && o.head == c {
					out = append(out, label{slot: s, cand: o, start: o.Start, end: o.End, score: 1.9, value: more})
				}
			}
		}
	}
	return out
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// chosen finds the choices that the text names.
func (f *filler) chosen(s *slot) []label {
	picks := said(f.t, s.choice)
	var out []label
	seen := map[int]bool{}
	for _, p := range picks {
		ch := s.choice[p.choice]
		if seen[p.choice] && s.isArray() {
			continue
		}
		if f.negated(p.at) || f.ownName(s, p, ch) {
			continue
		}
		seen[p.choice] = true
		w := f.t.Words[p.at]
		end := f.t.Words[min(p.at+len(ch.stems)-1, len(f.t.Words)-1)].End
		out = append(out, label{slot: s, start: w.Start, end: end, score: 1.5, value: ch.value})
	}
	if len(out) > 1 && !s.isArray() && !f.joined(out) {
		// Named far apart they may be those of several calls, or only one is meant.
		best := 0
		for i := range out {
			out[i].weak = true
			if f.nearWords(s, out[i].start) > f.nearWords(s, out[best].start) {
				best = i
			}
		}
		out[best].weak = false
	}
	return out
}

// joined reports whether choices were named side by side, "Civil and Criminal
// cases", as for several calls.
func (f *filler) joined(list []label) bool {
	for i := 1; i < len(list); i++ {
		if !coordinated(f.t.S[list[i-1].end:list[i].start]) {
			return false
		}
	}
	return true
}

// nearWords counts the slot's own words within a few words of a place.
func (f *filler) nearWords(s *slot, at int) int {
	n := 0
	for i, w := range f.t.Words {
		if w.Start > at-30 && w.Start < at+30 && w.Start != at && slices.Contains(s.name, f.stems[i]) {
			n++
		}
	}
	return n
}

// mood picks among choices such as positive and negative by the words of praise and
// blame in the text.
func (f *filler) mood(s *slot) (label, bool) {
	at := lexicon.Mood(optionNames(s.choice), f.t.S)
	if at < 0 {
		return label{}, false
	}
	return label{slot: s, start: 0, end: 0, score: 1, value: s.choice[at].value}, true
}

func optionNames(list []choice) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].said
	}
	return out
}

// ownName reports whether a choice's word only names the tool or the slot itself.
func (f *filler) ownName(s *slot, p pick, ch choice) bool {
	if len(ch.stems) > 1 || !f.about[ch.stems[0]] {
		return false
	}
	// In the tool's name and said once: what the tool does, unless the slot's name is near.
	for d := -2; d <= 2; d++ {
		if i := p.at + d; i >= 0 && i < len(f.stems) && d != 0 && s.words[f.stems[i]] > 0.3 {
			return false
		}
	}
	return !s.required
}

// boolWords say nothing of what a switch switches.
var boolWords = map[string]bool{text.Stem("include"): true, "enabl": true, "show": true, "with": true, "is": true, "ha": true, "us": true, "allow": true, "return": true, "should": true, "flag": true, "only": true, "get": true, "onli": true, "displai": true, "need": true, "requir": true, "option": true}

// boolean sets a switch when the text has the words of its name; off when they are
// denied.
func (f *filler) boolean(s *slot) []label {
	var words []string
	for _, n := range s.name {
		if !boolWords[n] {
			words = append(words, n)
		}
	}
	if len(words) == 0 {
		return nil
	}
	at, held := -1, 0
	for _, w := range words {
		for i, stem := range f.stems {
			if stem == w || alike(stem, w) {
				held++
				at = i
				break
			}
		}
	}
	if held == 0 || held*2 < len(words)+1 && len(words) > 1 || held < len(words) && len(words) <= 2 {
		return nil
	}
	// A word that the tool's own name has is no wish.
	own := 0
	for _, w := range words {
		if f.about[w] {
			own++
		}
	}
	if own == len(words) && !s.required && !f.wished(at) {
		return nil
	}
	v := "true"
	if f.negated(at) || f.denied(at) {
		v = "false"
	}
	w := f.t.Words[at]
	return []label{{slot: s, start: w.Start, end: w.Start, score: 1, value: json.RawMessage(v)}}
}

// wished reports whether word i is asked for in so many words: "including X", "with X".
func (f *filler) wished(i int) bool {
	for j := i - 1; j >= 0 && j >= i-3; j-- {
		switch f.t.Words[j].Norm {
		case "including", "include", "includes", "with", "also", "enable", "add", "want":
			return true
		}
	}
	return false
}

// denied reports whether "false" or "off" follows word i closely.
func (f *filler) denied(i int) bool {
	for j := i + 1; j < len(f.t.Words) && j <= i+4; j++ {
		switch f.t.Words[j].Norm {
		case "false", "off", "no", "disabled":
			return true
		case "true", "on", "yes", "enabled":
			return false
		}
	}
	return false
}

// looked finds what the lexicon knows: CloudWatch namespaces and metrics, regions,
// the kind of an ID by its prefix.
func (f *filler) looked(s *slot) []label {
	at := func(v string) []label {
		raw, ok := stringValue(s, v)
		if !ok {
			return nil
		}
		start := max(strings.Index(text.Lower(f.t.S), text.Lower(v)), 0)
		end := start
		if strings.HasPrefix(text.Lower(f.t.S[start:]), text.Lower(v)) {
			end = start + len(v)
		}
		return []label{{slot: s, start: start, end: end, score: 2, value: raw}}
	}
	switch s.role {
	case roleNamespace, roleMetric:
		m, ok := f.look.Metric()
		if !ok || !f.aws() {
			return nil
		}
		if s.role == roleNamespace {
			return at(m.Namespace)
		}
		return at(m.Name)
	case roleID:
		return f.resource(s)
	default:
	}
	var out []label
	for _, code := range f.look.Regions() {
		if s.role == roleRegion || strings.Contains(strings.ToLower(f.t.S), code) {
			out = append(out, at(code)...)
		}
	}
	return out
}

// aws reports whether the schema asks in CloudWatch's words.
func (f *filler) aws() bool {
	for _, s := range f.slots {
		if s.role == roleNamespace {
			return true
		}
	}
	return f.about["cloudwatch"] || f.about["metric"]
}

// resource finds the IDs whose prefix is that of the kind in the slot's name.
func (f *filler) resource(s *slot) []label {
	var out []label
	for _, c := range f.cands {
		if c.Kind != mention.ID || !f.prefixed(s, c.Text) {
			continue
		}
		if raw, ok := stringValue(s, c.Text); ok {
			out = append(out, label{slot: s, cand: c, start: c.Start, end: c.End, score: 2.5, value: raw})
		}
	}
	return out
}

var worded = sync.OnceValue(func() map[role]map[string]string {
	return map[role]map[string]string{
		roleCurrency: {
			"dollar": "USD", "dollars": "USD", "usd": "USD", "euro": "EUR", "euros": "EUR", "eur": "EUR", "pound": "GBP", "pounds": "GBP", "gbp": "GBP", "yen": "JPY", "jpy": "JPY", "rupee": "INR", "rupees": "INR", "inr": "INR", "yuan": "CNY", "cny": "CNY", "rmb": "CNY", "cad": "CAD", "aud": "AUD", "chf": "CHF", "franc": "CHF", "francs": "CHF", "won": "KRW", "krw": "KRW", "peso": "MXN", "pesos": "MXN", "ruble": "RUB", "rubles": "RUB", "bitcoin": "BTC", "btc": "BTC",
		},
		roleLanguage: {
			"english": "English", "french": "French", "german": "German", "spanish": "Spanish", "italian": "Italian", "portuguese": "Portuguese", "chinese": "Chinese", "japanese": "Japanese", "korean": "Korean", "russian": "Russian", "arabic": "Arabic", "hindi": "Hindi", "dutch": "Dutch", "turkish": "Turkish", "polish": "Polish", "swedish": "Swedish", "greek": "Greek", "hebrew": "Hebrew", "thai": "Thai", "vietnamese": "Vietnamese", "telugu": "Telugu", "tamil": "Tamil",
			"python": "Python", "java": "Java", "javascript": "JavaScript", "go": "Go", "rust": "Rust",
		},
		roleUnit: {
			"celsius": "celsius", "fahrenheit": "fahrenheit", "kelvin": "kelvin", "metric": "metric", "imperial": "imperial", "kilometers": "kilometers", "miles": "miles", "meters": "meters", "feet": "feet", "kg": "kg", "pounds": "pounds", "inches": "inches", "cm": "cm", "km": "km", "centimeters": "centimeters", "mph": "mph", "m": "m", "liters": "liters", "grams": "grams", "ounces": "ounces", "degrees": "degrees", "radians": "radians", "ft": "ft",
		},
	}
})

var formatRE = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b[ymd]{1,4}[-/. ][ymd]{1,4}(?:[-/. ][ymd]{2,4})?\b|\bYYYY\b|\b(?:json|xml|csv|pdf|html|yaml|png|jpe?g|svg|markdown|mp[34]|wav)\b`)
})

// worded finds currencies, languages, units and formats by their words.
func (f *filler) worded(s *slot) []label {
	var out []label
	add := func(v string, start, end int) {
		if raw, ok := stringValue(s, v); ok {
			out = append(out, label{slot: s, start: start, end: end, score: 1, value: raw})
		}
	}
	if s.role == roleFormat {
		if m := formatRE().FindStringIndex(f.t.S); m != nil {
			add(f.t.S[m[0]:m[1]], m[0], m[1])
		}
		return out
	}
	for i, w := range f.t.Words {
		v, ok := worded()[s.role][w.Norm]
		if ok && s.role == roleCurrency && i > 0 {
			if of, named := nations[f.t.Words[i-1].Norm]; named && len(w.Norm) > 3 {
				v = of
			}
		}
		if !ok || s.role == roleUnit && f.measured(w.Start) {
			continue
		}
		if s.role == roleCurrency {
			if stated := w.Of(f.t.S); len(stated) == 3 && strings.ToUpper(stated) == stated {
				v = stated
			}
		}
		if len(out) > 0 && s.end == noEnd && string(out[len(out)-1].value) == string(mustJSON(v)) {
			continue
		}
		add(v, w.Start, w.Start)
	}
	// Pairs such as from_currency and to_currency take one each, in order.
	if s.end != noEnd && s.role == roleCurrency && len(out) == 2 && f.toward(out[0].start) && !f.toward(out[1].start) {
		out[0], out[1] = out[1], out[0] // "in pounds, from 200 dollars"
	}
	if s.end != noEnd && len(out) > 1 {
		return s.ended(out)
	}
	if len(out) > 1 && !s.isArray() {
		// Several calls may want several; one mention of each suffices when joined.
		return out[:1]
	}
	return out
}

// nations name the money that is called dollar, pound, franc or peso in several countries.
var nations = map[string]string{"us": "USD", "american": "USD", "canadian": "CAD", "australian": "AUD", "british": "GBP", "singapore": "SGD", "zealand": "NZD", "kong": "HKD", "swiss": "CHF", "mexican": "MXN", "indian": "INR", "japanese": "JPY", "chinese": "CNY"}

// toward reports whether the word at a place follows "in", "to" or "into".
func (f *filler) toward(at int) bool {
	for i, w := range f.t.Words {
		if w.Start != at {
			continue
		}
		for j := i - 1; j >= 0 && j >= i-2; j-- {
			switch f.t.Words[j].Norm {
			case "in", "to", "into":
				return true
			case "from":
				return false
			}
		}
	}
	return false
}

// ended picks one end's values of those said in pairs: "USD to EUR", "USD to EUR
// and GBP", "USD to EUR and AUD to CAD".
func (s *slot) ended(list []label) []label {
	if s.end == fromEnd {
		if len(list)%2 != 0 || len(list) == 2 {
			return list[:1]
		}
	} else if len(list)%2 != 0 {
		return list[1:]
	}
	at := 0
	if s.end == toEnd {
		at = 1
	}
	var out []label
	for ; at < len(list); at += 2 {
		out = append(out, list[at])
	}
	return out
}

// measured reports whether the word at a place is the unit of a number.
func (f *filler) measured(at int) bool {
	for _, c := range f.cands {
		if c.Kind == mention.Number && c.Start <= at && at <= c.End+1 {
			return true
		}
	}
	return false
}

func mustJSON(s string) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil { // no string fails
		return json.RawMessage(`""`)
	}
	return raw
}

// prefixed reports whether an ID has the prefix of the kind of thing that the
// slot's name or description names: "i-…" for instance_id.
func (f *filler) prefixed(s *slot, id string) bool {
	for _, p := range s.prefixes() {
		if strings.HasPrefix(strings.ToLower(id), p) {
			return true
		}
	}
	return false
}

func (s *slot) prefixes() []string {
	if s.node.Type != schema.String && s.node.Type != schema.Any && !s.isArray() {
		return nil
	}
	return lookPrefixes(strings.Join(nameWords(s.jsonName()), " "))
}
