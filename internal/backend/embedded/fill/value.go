package fill

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/lexicon"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
	"github.com/outcrop-ai/outcrop/internal/text"
)

func lookPrefixes(s string) []string { return lexicon.Look(s).Prefixes() }

// valueOf writes a candidate as its slot wants it; false when it cannot be.
func (f *filler) valueOf(s *slot, c *cand) (json.RawMessage, bool) {
	if s.isArray() && c.Kind == mention.List {
		return f.listValue(s, s.node, c.Items)
	}
	leaf := s.leaf()
	switch leaf.Type {
	case schema.Integer, schema.Number:
		return numberValue(s, leaf, c)
	case schema.String:
		return f.textValue(s, c)
	case schema.Object:
		raw := json.RawMessage(c.Text)
		return raw, c.Kind == mention.JSON && json.Valid(raw)
	case schema.Any:
		if c.Kind == mention.Number {
			return schema.FormatNumber(c.Value), true
		}
		return f.textValue(s, c)
	default:
		return nil, false
	}
}

func (f *filler) listValue(s *slot, n *schema.Node, items []mention.Mention) (json.RawMessage, bool) {
	var out []json.RawMessage
	for i := range items {
		item := n.Item(i)
		if items[i].Kind == mention.List && item.Type == schema.Array {
			v, ok := f.listValue(s, item, items[i].Items)
			if !ok {
				return nil, false
			}
			out = append(out, v)
			continue
		}
		sub := &slot{path: s.path, node: item, role: s.role, name: s.name, words: s.words, desc: s.desc}
		v, ok := f.valueOf(sub, &cand{Mention: items[i], partner: -1})
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
	if len(out) < n.MinItems || n.MaxItems >= 0 && len(out) > n.MaxItems {
		return nil, false
	}
	raw, err := json.Marshal(out)
	return raw, err == nil
}

// numberFor is the number that a candidate is for a slot: a percentage becomes a
// fraction where the slot takes one.
func numberFor(s *slot, c *cand) (float64, bool) {
	v := c.Value
	if c.Percent && s.leaf().Type == schema.Number && !s.percentage(v) {
		v = math.Round(v*1e10) / 1e12
	}
	return v, !math.IsInf(v, 0) && !math.IsNaN(v)
}

// percentage reports whether a slot takes percentages as they are said.
func (s *slot) percentage(v float64) bool {
	leaf := s.leaf()
	if leaf.Max != nil && *leaf.Max <= 1 {
		return false
	}
	if leaf.Max != nil && *leaf.Max >= v && *leaf.Max > 1 {
		return true
	}
	if strings.Contains(s.desc, "decimal") || strings.Contains(s.desc, "fraction") || strings.Contains(s.desc, "between 0 and 1") || decimalRE().MatchString(s.desc) {
		return false
	}
	return strings.Contains(s.desc, "percent") || strings.Contains(s.desc, "%") || s.has("percent", "percentag")
}

var decimalRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b0\.\d`) })

func numberValue(s *slot, leaf *schema.Node, c *cand) (json.RawMessage, bool) {
	var v float64
	switch c.Kind {
	case mention.Number:
		n, ok := numberFor(s, c)
		if !ok {
			return nil, false
		}
		v = n
	case mention.Date:
		switch {
		case s.has("year"):
			v = float64(c.Day.Year)
		case s.has("month"):
			v = float64(c.Day.Month)
		default:
			v = float64(c.Day.Day)
		}
	case mention.Time:
		hour, rest, _ := strings.Cut(c.Clock, ":")
		if s.has("minut") {
			hour, _, _ = strings.Cut(rest, ":")
		}
		n, err := strconv.Atoi(hour)
		if err != nil {
			return nil, false
		}
		v = float64(n)
	default:
		return nil, false
	}
	if !leaf.FitsNumber(v) {
		return nil, false
	}
	return schema.FormatNumber(v), true
}

// textValue writes a candidate as text.
func (f *filler) textValue(s *slot, c *cand) (json.RawMessage, bool) {
	v := c.Text
	switch {
	case c.Kind == mention.Date && (s.role == roleDate || s.role == roleTime):
		v = f.dateValue(s, c)
	case c.Kind == mention.Time:
		v = timeValue(s, c)
	case s.role == rolePlace:
		v = f.placeValue(s, c)
	case c.Kind == mention.Expr, c.Kind == mention.Quote && s.role == roleFormula:
		v = formulaValue(s, c.Text)
	case c.Kind == phrase, c.Kind == mention.Name && s.role != rolePlace:
		v = f.phraseValue(s, c)
	}
	if v == "" {
		return nil, false
	}
	return stringValue(s, v)
}

// stringValue checks a text against the slot's schema and writes it.
func stringValue(s *slot, v string) (json.RawMessage, bool) {
	leaf := s.leaf()
	if len(leaf.Enum) > 0 {
		for _, raw := range leaf.Enum {
			var e string
			if json.Unmarshal(raw, &e) == nil && strings.EqualFold(e, v) {
				return raw, true
			}
		}
		return nil, false
	}
	if leaf.MaxLength >= 0 && len(v) > 4*leaf.MaxLength || !leaf.FitsString(v) {
		return nil, false
	}
	return mustJSON(v), true
}

var dateFormatRE = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(yyyy|mm|dd)([-/. ])(mm|dd|yyyy)(?:[-/. ](dd|yyyy|mm))?\b`)
})

// dateValue writes a date in the form that the description asks for; in ISO 8601
// when it is known in full and nothing else is asked; as it was said otherwise.
func (f *filler) dateValue(s *slot, c *cand) string {
	d := c.Day.Resolve(f.today)
	if d.Year == 0 && d.Month > 0 && c.partner >= 0 && c.partner < len(f.cands) {
		d.Year = f.cands[c.partner].Day.Year // "from April 3rd to April 5th 2023"
	}
	if d.Year == 0 && d.Month > 0 && d.Day > 0 && !f.today.IsZero() {
		d.Year = f.today.Year()
	}
	strict := s.node.Format == "date" || s.node.Format == "date-time"
	switch {
	case s.node.Format == "date-time" && d.Full():
		return d.Time().Format(time.RFC3339)
	case strict && !d.Full():
		return ""
	case !d.Full() && d.ISO() == "" || d.Year == 0:
		return c.Text
	}
	m := dateFormatRE().FindStringSubmatch(s.node.Description)
	if m == nil || !d.Full() {
		return d.ISO()
	}
	var sb strings.Builder
	for i, part := range []string{m[1], m[3], m[4]} {
		if part == "" {
			continue
		}
		if i > 0 {
			sb.WriteString(m[2])
		}
		switch strings.ToLower(part) {
		case "yyyy":
			sb.WriteString(strconv.Itoa(d.Year))
		case "mm":
			sb.WriteString(two(d.Month))
		default:
			sb.WriteString(two(d.Day))
		}
	}
	return sb.String()
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// timeValue writes a time of day as HH:MM, or as it was said when the slot's
// description shows times with am or pm.
func timeValue(s *slot, c *cand) string {
	if strings.Contains(s.desc, " am") || strings.Contains(s.desc, " pm") || strings.Contains(s.desc, "am/pm") {
		return c.Text
	}
	if strings.Contains(s.desc, "hh:mm:ss") || strings.Contains(s.desc, "%h:%m:%s") {
		if len(c.Clock) == len("15:04") {
			return c.Clock + ":00"
		}
	}
	return c.Clock
}

// placeValue takes a place with its state or country where the slot asks for both.
func (f *filler) placeValue(s *slot, c *cand) string {
	if c.Kind == phrase {
		return f.phraseValue(s, c)
	}
	if c.place == "" {
		return c.Text
	}
	if s.has("citi", "town") && !strings.Contains(s.desc, "state") && !strings.Contains(s.desc, "country") && !strings.Contains(s.desc, ", ") {
		return c.Text
	}
	if s.has("state", "countri", "provinc") {
		if _, after, ok := strings.Cut(c.place, ", "); ok {
			return after
		}
	}
	return c.place
}

// formulaValue writes powers the way programs do, which is how tools take them.
func formulaValue(s *slot, v string) string {
	if strings.Contains(s.desc, "^") {
		return v
	}
	v = strings.NewReplacer("²", "**2", "³", "**3").Replace(v)
	if !strings.Contains(v, "**") {
		v = strings.ReplaceAll(v, "^", "**")
	}
	return v
}

// phraseValue drops the words of a phrase that name the slot itself: "cool mode"
// for mode, "genre jazz" for genre.
func (f *filler) phraseValue(s *slot, c *cand) string {
	from, to := c.T0, c.T1
	own := func(i int) bool {
		stem := f.stems[i]
		return slices.Contains(s.name, stem) || s.words[stem] >= 0.3
	}
	for to-from > 1 && own(to-1) {
		to--
	}
	for to-from > 1 && own(from) {
		from++
	}
	if from == c.T0 && to == c.T1 {
		return c.Text
	}
	return text.Span{Start: f.t.Words[from].Start, End: f.t.Words[to-1].End}.Of(f.t.S)
}
