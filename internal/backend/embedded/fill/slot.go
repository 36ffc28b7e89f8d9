package fill

import (
	"slices"
	"strings"
	"unicode"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// slot is a value to be found: a parameter, or a member of one that is an object.
type slot struct {
	path     []string
	node     *schema.Node
	required bool
	order    int

	name   []string           // stems of the name's words
	words  map[string]float64 // stem -> how much it tells of this slot
	role   role
	end    end // of a range
	choice []choice
	desc   string // lower case
}

// role is what a text value is about, as its name and description say.
type role uint8

const (
	roleNone role = iota
	rolePlace
	rolePerson
	roleDate
	roleTime
	roleURL
	roleEmail
	roleID
	rolePath
	roleCurrency
	roleUnit
	roleLanguage
	roleFormula
	roleQuery // free text: what to search for, say, ask
	roleFormat
	roleSymbol
	roleRegion
	roleNamespace
	roleMetric
)

// end says which end of a range, journey or pair a slot is.
type end uint8

const (
	noEnd end = iota
	fromEnd
	toEnd
)

// roleWords map words of a slot's name to roles; the first that fits wins.
var roleWords = map[string]role{
	"namespace": roleNamespace, "metric": roleMetric,
	"location": rolePlace, "city": rolePlace, "place": rolePlace, "country": rolePlace, "state": rolePlace, "address": rolePlace, "destination": rolePlace, "origin": rolePlace, "area": rolePlace, "town": rolePlace, "region": rolePlace, "county": rolePlace, "zone": rolePlace, "pickup": rolePlace, "dropoff": rolePlace, "loc": rolePlace, "venue": rolePlace, "airport": rolePlace, "cities": rolePlace, "countries": rolePlace, "locations": rolePlace, "province": rolePlace, "district": rolePlace, "neighborhood": rolePlace, "where": rolePlace, "continent": rolePlace,
	"artist": rolePerson, "author": rolePerson, "player": rolePerson, "person": rolePerson, "actor": rolePerson, "director": rolePerson, "composer": rolePerson, "celebrity": rolePerson, "performer": rolePerson, "singer": rolePerson, "recipient": rolePerson, "defendant": rolePerson, "plaintiff": rolePerson, "attendees": rolePerson, "cast": rolePerson, "directed": rolePerson, "athlete": rolePerson, "scientist": rolePerson,
	"date": roleDate, "day": roleDate, "dates": roleDate, "birthday": roleDate, "deadline": roleDate, "checkin": roleDate, "checkout": roleDate, "departure": roleDate, "arrival": roleDate,
	"time": roleTime, "hour": roleTime,
	"url": roleURL, "link": roleURL, "website": roleURL, "endpoint": roleURL, "uri": roleURL, "webpage": roleURL,
	"email": roleEmail, "mail": roleEmail,
	"id": roleID, "code": roleID, "identifier": roleID, "key": roleID, "arn": roleID, "uuid": roleID, "reference": roleID, "ids": roleID, "token": roleID,
	"file": rolePath, "path": rolePath, "filename": rolePath, "directory": rolePath, "folder": rolePath, "filepath": rolePath,
	"currency": roleCurrency, "unit": roleUnit, "units": roleUnit, "language": roleLanguage, "lang": roleLanguage,
	"function": roleFormula, "equation": roleFormula, "expression": roleFormula, "formula": roleFormula, "polynomial": roleFormula,
	"query": roleQuery, "prompt": roleQuery, "message": roleQuery, "text": roleQuery, "question": roleQuery, "keyword": roleQuery, "keywords": roleQuery, "search": roleQuery, "content": roleQuery, "body": roleQuery, "description": roleQuery, "sentence": roleQuery, "topic": roleQuery, "command": roleQuery, "instruction": roleQuery, "term": roleQuery, "input": roleQuery, "note": roleQuery, "phrase": roleQuery, "subject": roleQuery, "task": roleQuery,
	"format": roleFormat, "symbol": roleSymbol, "ticker": roleSymbol,
}

// slots lists what a schema wants, the members of nested objects included.
func slots(n *schema.Node, path []string, required bool, depth int) []*slot {
	var out []*slot
	for _, p := range n.Props {
		need := required && p.Required
		at := append(append([]string{}, path...), p.Name)
		if p.Node.Type == schema.Object && len(p.Node.Props) > 0 && depth < 4 {
			out = append(out, slots(p.Node, at, need, depth+1)...)
			continue
		}
		out = append(out, &slot{path: at, node: p.Node, required: need})
	}
	return out
}

// describe works out the words, roles and choices of slots, which are those of one schema.
func describe(list []*slot) {
	count := map[string]int{}
	for i, s := range list {
		s.order = i
		s.desc = strings.ToLower(s.node.Description)
		own := map[string]bool{}
		for _, w := range nameWords(s.path[len(s.path)-1]) {
			stem := text.Stem(w)
			s.name = append(s.name, stem)
			own[stem] = true
		}
		for _, t := range s.descTerms() {
			own[t] = true
		}
		for t := range own {
			count[t]++
		}
	}
	for _, s := range list {
		s.words = map[string]float64{}
		for _, t := range s.descTerms() {
			s.words[t] = 0.35 / float64(count[t])
		}
		for _, p := range s.path[:len(s.path)-1] {
			for _, w := range nameWords(p) {
				s.words[text.Stem(w)] += 0.3
			}
		}
		for _, w := range s.name {
			if len(s.name) > 1 && (text.Stopword(w) || w >= "0" && w <= "9") {
				continue
			}
			weight := 1.0
			if genericName[w] {
				weight = 0.35
			}
			s.words[w] = weight / (0.5 + 0.5*float64(count[w]))
		}
		s.role, s.end = s.roles()
		s.choice = choices(s)
	}
	pairUp(list)
}

// pairUp makes ends of slots that come in twos: team1 and team2, pointA and pointB.
func pairUp(list []*slot) {
	for i, s := range list {
		for _, o := range list[i+1:] {
			a, b := s.jsonName(), o.jsonName()
			if len(a) != len(b) || len(a) < 2 || a[:len(a)-1] != b[:len(b)-1] || s.node.Type != o.node.Type {
				continue
			}
			if last := a[len(a)-1:] + b[len(b)-1:]; s.end == noEnd && (last == "12" || last == "AB" || last == "ab" || last == "01") {
				s.end, o.end = fromEnd, toEnd
			}
		}
	}
}

// descWords is how many words of a description tell what a slot is; later ones give
// examples and conditions.
const descWords = 14

func (s *slot) descTerms() []string {
	d := s.node.Description
	if d == "" {
		d = s.node.Title
	}
	for _, mark := range []string{"e.g", "such as", "for example", "for instance", "like ", "default", "Default", "format", "(", "Optional", "optional", "example:"} {
		if i := strings.Index(d, mark); i > 12 {
			d = d[:i]
		}
	}
	terms := text.Terms(d)
	out := terms[:0]
	for _, t := range terms {
		if !genericName[t] && len(out) < descWords {
			out = append(out, t)
		}
	}
	return out
}

// genericName are stems that say little of what a value is.
var genericName = map[string]bool{
	"name": true, "valu": true, "number": true, "type": true, "data": true, "info": true, "inform": true, "param": true, "paramet": true, "argument": true, "option": true, "list": true, "string": true, "integ": true, "specif": true, "provid": true, "given": true, "us": true, "want": true, "get": true, "set": true, "retriev": true, "calcul": true, "find": true, "filter": true, "return": true, "determin": true, text.Stem("include"): true, "indic": true, "need": true, "requir": true, "specifi": true, "desir": true, "input": true, "represent": true, "repres": true,
}

func (s *slot) roles() (role, end) {
	words := nameWords(s.path[len(s.path)-1])
	var r role
	// The last word of a name says what it is: "destination_city", "user_id".
	for i := len(words) - 1; i >= 0 && r == roleNone; i-- {
		r = roleWords[words[i]]
	}
	switch {
	case s.node.Format == "date" || s.node.Format == "date-time":
		r = roleDate
	case s.node.Format == "email":
		r = roleEmail
	case s.node.Format == "uri":
		r = roleURL
	case strings.Contains(s.desc, "aws region"), strings.Contains(s.desc, "us-east-1"):
		r = roleRegion
	case r == roleNone:
		r = s.describedRole()
	}
	if s.node.Type == schema.Integer || s.node.Type == schema.Number || s.node.Type == schema.Boolean {
		if r != roleDate && r != roleID {
			r = roleNone
		}
	}
	return r, s.ends(words)
}

func (s *slot) describedRole() role {
	for i, w := range text.Words(s.desc) {
		if i > 10 {
			break
		}
		switch w.Norm {
		case "city", "country", "location", "place", "address", "region":
			return rolePlace
		case "date":
			return roleDate
		case "person", "artist", "author", "actor", "player":
			return rolePerson
		case "identifier", "id":
			return roleID
		case "url":
			return roleURL
		case "email":
			return roleEmail
		case "formula", "equation", "expression":
			return roleFormula
		}
	}
	if strings.Contains(s.desc, "yyyy") {
		return roleDate
	}
	return roleNone
}

var (
	fromWords = map[string]bool{"from": true, "start": true, "origin": true, "departure": true, "begin": true, "beginning": true, "source": true, "initial": true, "lower": true, "min": true, "minimum": true, "checkin": true, "first": true, "pickup": true, "after": true, "old": true, "since": true, "base": false, "departing": true, "left": true}
	toWords   = map[string]bool{"to": true, "end": true, "destination": true, "arrival": true, "finish": true, "target": true, "final": true, "upper": true, "max": true, "maximum": true, "checkout": true, "second": true, "dropoff": true, "until": true, "before": true, "new": true, "return": true, "right": true, "stop": true}
)

func (s *slot) ends(words []string) end {
	for i, w := range words {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch {
		case w == "check" && next == "in":
			return fromEnd
		case w == "check" && next == "out":
			return toEnd
		case fromWords[w]:
			return fromEnd
		case toWords[w]:
			return toEnd
		}
	}
	return noEnd
}

// nameWords cuts an identifier into lower-case words: "startDate", "start_date", "point1".
func nameWords(s string) []string {
	var words []string
	var w []rune
	flush := func() {
		if len(w) > 0 {
			words = append(words, strings.ToLower(string(w)))
			w = w[:0]
		}
	}
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(runes[i-1])),
			unicode.IsDigit(r) && i > 0 && unicode.IsLetter(runes[i-1]):
			flush()
		}
		w = append(w, r)
	}
	flush()
	return words
}

// jsonName is the slot's own name.
func (s *slot) jsonName() string { return s.path[len(s.path)-1] }

// isNumber reports whether the slot, or its items, are numbers.
func (s *slot) isNumber() bool {
	t := s.leaf().Type
	return t == schema.Integer || t == schema.Number
}

func (s *slot) isArray() bool { return s.node.Type == schema.Array }

// leaf is the schema of the single values that go into the slot.
func (s *slot) leaf() *schema.Node {
	if !s.isArray() {
		return s.node
	}
	item := s.node.Item(0)
	if item.Type == schema.Array {
		return item.Item(0)
	}
	return item
}

// has reports whether the slot's name has one of the words, as stems.
func (s *slot) has(stems ...string) bool {
	for _, n := range s.name {
		if slices.Contains(stems, n) {
			return true
		}
	}
	return false
}

// NameWords cuts an identifier into lower-case words.
func NameWords(s string) []string { return nameWords(s) }
