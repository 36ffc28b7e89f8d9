package fill

import (
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// score says how well a candidate suits a slot: zero or less is no fit. It adds
// what its kind allows, what its unit, preposition and place in a range tell, and
// the slot's words near it.
func (f *filler) score(s *slot, c *cand) float64 {
	base, ok := f.base(s, c)
	if !ok || f.labelOnly(s, c) {
		return 0
	}
	cue := f.cue(s, c)
	if c.head != nil { // "values 12, 24 and 36": what introduces the first introduces all
		cue = max(cue, 0.97*f.cue(s, c.head))
	}
	if c.tail != nil {
		cue = max(cue, 0.9*f.cue(s, c.tail))
	}
	return base + f.unitFit(s, c) + f.endFit(s, c) + cue + f.alignment[alignKey{s, c}]
}

// labelOnly reports whether a candidate is only the slot's own name: "Id" for building_id.
func (f *filler) labelOnly(s *slot, c *cand) bool {
	if c.Kind != mention.Name && c.Kind != phrase || c.T0 == c.T1 {
		return false
	}
	for i := c.T0; i < c.T1; i++ {
		if !slices.Contains(s.name, f.stems[i]) {
			return false
		}
	}
	return true
}

// base is what the kinds of slot and candidate say.
func (f *filler) base(s *slot, c *cand) (float64, bool) {
	leaf := s.leaf()
	switch leaf.Type {
	case schema.Integer, schema.Number:
		return baseNumber(s, leaf, c)
	case schema.String, schema.Any:
		return f.baseString(s, leaf, c)
	case schema.Object:
		return 1, c.Kind == mention.JSON
	default:
		return 0, false
	}
}

func baseNumber(s *slot, leaf *schema.Node, c *cand) (float64, bool) {
	if len(leaf.Enum) > 0 {
		return 0, false // picked by their own words
	}
	switch c.Kind {
	case mention.Number:
		v, ok := numberFor(s, c)
		if !ok || leaf.Type == schema.Integer && v != float64(int64(v)) {
			return 0, false
		}
		b := 0.6
		switch {
		case leaf.Min != nil && v < *leaf.Min || leaf.Max != nil && v > *leaf.Max:
			return 0, false
		case c.Ordinal && c.Word:
			b = 0.1
		case c.Word && c.Value == 1:
			b = 0.2
		case c.Word:
			b = 0.35
		}
		if s.has("year") && (v < 1000 || v > 2200) && !s.has("years") {
			b -= 0.3
		}
		return b, true
	case mention.Date:
		if s.has("year") && c.Day.Year > 0 || s.has("month") && c.Day.Month > 0 || s.has("dai", "day") && c.Day.Day > 0 {
			return 1.2, true
		}
	case mention.Time:
		return 1.2, s.has("hour", "minut")
	case mention.List:
		return 1.2, s.isArray() && numbers(c.Items)
	default:
	}
	return 0, false
}

func numbers(items []mention.Mention) bool {
	for i := range items {
		if items[i].Kind == mention.List {
			if !numbers(items[i].Items) {
				return false
			}
			continue
		}
		if items[i].Kind != mention.Number {
			return false
		}
	}
	return true
}

// baseString is for text slots. Roles decide which kinds go.
func (f *filler) baseString(s *slot, leaf *schema.Node, c *cand) (float64, bool) {
	if len(s.choice) > 0 && len(leaf.Enum) > 0 {
		return 0, false // picked by their own words
	}
	switch c.Kind {
	case mention.List:
		return 1, s.isArray() && !numbers(c.Items)
	case mention.JSON:
		return 0, false
	case mention.Quote:
		return f.quoteFit(s), true
	default:
	}
	switch s.role {
	case roleDate:
		if c.Kind == mention.Date {
			return 1.2, true
		}
		return 0, false
	case roleTime:
		switch c.Kind {
		case mention.Time:
			return 1.3, true
		case mention.Date:
			return 0.4, true
		default:
			return 0, false
		}
	case roleURL:
		if c.Kind == mention.ID && strings.Contains(c.Text, ".") {
			return 0.8, true // a host without its scheme
		}
		return 1.5, c.Kind == mention.URL
	case roleEmail:
		return 1.5, c.Kind == mention.Email
	case roleFormula:
		return 1.5, c.Kind == mention.Expr
	case rolePath:
		switch c.Kind {
		case mention.ID:
			return 1.2, true
		case mention.URL, mention.Name:
			return 0.5, true
		default:
			return 0, false
		}
	case roleID:
		return f.idFit(s, c)
	case rolePlace:
		return f.placeFit(s, c)
	case rolePerson:
		return f.personFit(c)
	case roleCurrency, roleUnit, roleFormat, roleLanguage, roleRegion, roleNamespace, roleMetric:
		return 0, false // by their own words
	default:
		return f.thingFit(s, c)
	}
}

func (f *filler) quoteFit(s *slot) float64 {
	switch s.role {
	case roleQuery, roleNone, roleID, rolePath, roleSymbol, roleFormula:
		return 1.1
	case rolePerson, rolePlace:
		return 0.75
	case roleDate, roleTime:
		return 0.2
	default:
		return 0.4
	}
}

func (f *filler) idFit(s *slot, c *cand) (float64, bool) {
	switch c.Kind {
	case mention.ID:
		b := 1.0
		if f.prefixed(s, c.Text) {
			b += 1
		}
		return b, true
	case mention.Number:
		return 0.5, !c.Percent && c.Currency == "" && !c.Word && !c.Ordinal
	case mention.Name:
		return 0.3, true
	case phrase:
		return 0, false
	default:
		return 0, false
	}
}

func (f *filler) placeFit(s *slot, c *cand) (float64, bool) {
	b := 0.0
	switch c.Kind {
	case mention.Name:
		b = 0.9
	case phrase:
		b = 0.1
		switch c.prep {
		case "in", "at", "near", "from", "to", "around":
		default:
			return 0, false
		}
	case mention.ID:
		b = 0.1
	default:
		return 0, false
	}
	switch c.prep {
	case "in", "at", "near", "around", "within":
		b += 0.65
	case "from", "to", "into", "towards":
		b += 0.5
	case "for", "of", "between":
		b += 0.3
	case "by", "with", "about", "than":
		b -= 0.4
	}
	if c.place != "" {
		b += 0.3
	} else if f.adjective(c) {
		b -= 0.3 // "the Marriott hotel"
	}
	if f.namesOther(s, c) {
		b -= 0.5 // "the Hilton Hotel", when there is a slot for the hotel
	}
	return b, b > 0
}

func (f *filler) personFit(c *cand) (float64, bool) {
	b := 0.0
	switch c.Kind {
	case mention.Name:
		b = 0.8
	case phrase:
		b = 0.1
	default:
		return 0, false
	}
	switch c.prep {
	case "by", "with", "starring", "featuring":
		b += 0.6
	case "of", "for", "to":
		b += 0.2
	case "in", "at", "near", "from":
		b -= 0.3
	}
	if rest := f.t.S[c.End:]; strings.HasPrefix(rest, "'s ") || strings.HasPrefix(rest, "’s ") {
		b += 0.4 // "Van Gogh's painting"
	}
	return b, b > 0
}

// namesOther reports whether a name holds the word of another slot's name.
func (f *filler) namesOther(s *slot, c *cand) bool {
	for _, o := range f.slots {
		if o == s || o.isNumber() {
			continue
		}
		for i := c.T0; i < c.T1 && c.T1-c.T0 > 1; i++ {
			if slices.Contains(o.name, f.stems[i]) && !slices.Contains(s.name, f.stems[i]) && !genericName[f.stems[i]] {
				return true
			}
		}
	}
	return false
}

// thingFit is for texts of no known role: names, IDs, phrases.
func (f *filler) thingFit(s *slot, c *cand) (float64, bool) {
	b := 0.0
	switch c.Kind {
	case mention.Name:
		b = 0.8
		switch c.prep {
		case "in", "at", "near", "from":
			b -= 0.3
		case "":
			if f.adjective(c) {
				b -= 0.2
			}
		default:
			b += 0.15
		}
	case mention.ID, mention.URL, mention.Email:
		b = 0.5
	case mention.Expr:
		b = 0.5
	case phrase:
		b = 0.35
		switch c.prep {
		case "of", "for", "about", "on", "with", "using", "as", "called", "named", "by", "like":
			b += 0.25
		}
		b -= 0.45 * f.toolish(c)
	case mention.Number:
		if s.leaf().Type == schema.Any {
			return 0.4, true
		}
		b = 0.05
	case mention.Date, mention.Time:
		if s.leaf().Type == schema.Any {
			return 0.4, true
		}
		b = 0.05
	default:
		return 0, false
	}
	return b, b > 0
}

// adjective reports whether a name only describes the word after it: "Patent lawsuit".
func (f *filler) adjective(c *cand) bool {
	return c.T1 < len(f.t.Words) && f.t.Gap(c.T1-1) == " " && !text.Stopword(f.t.Words[c.T1].Norm) && f.owner[c.T1] >= 0 && f.cands[f.owner[c.T1]].Kind == phrase
}

// toolish is the share of a phrase's words that are the tool's own: "weather
// forecast" is what the tool does, not a value.
func (f *filler) toolish(c *cand) float64 {
	n := 0
	for _, w := range f.t.Words[c.T0:c.T1] {
		if f.about[text.Stem(w.Norm)] {
			n++
		}
	}
	return float64(n) / float64(max(c.T1-c.T0, 1))
}

// unitHints maps stems of slot names and descriptions to what they are measured in.
var unitHints = map[string]string{
	"year": "time", "month": "time", "week": "time", "dai": "time", "hour": "time", "minut": "time", "second": "time", "time": "time", "durat": "time", "period": "time", "ag": "time", "term": "time", "night": "time", "timefram": "time", "tenur": "time", "interv": "time",
	"length": "length", "distanc": "length", "height": "length", "width": "length", "radiu": "length", "diamet": "length", "depth": "length", "side": "length", "breadth": "length", "altitud": "length", "displac": "length", "wavelength": "length", "thick": "length", "elev": "length",
	"weight": "mass", "mass": "mass", "temperatur": "temperature", "temp": "temperature", "speed": "speed", "veloc": "speed", "acceler": "rate",
	"area": "area", "volum": "volume", "calori": "energy", "energi": "energy", "power": "power",
	"price": "money", "cost": "money", "amount": "money", "budget": "money", "incom": "money", "salari": "money", "payment": "money", "invest": "money", "princip": "money", "loan": "money", "fee": "money", "deposit": "money", "revenu": "money", "fund": "money", "dividend": "money", "cash": "money", "wage": "money", "monei": "money", "dollar": "money", "balanc": "money", "rent": "money", "bet": "money", "profit": "money", "contribut": "money", "asset": "money", "capit": "money", "saving": "money", "purchas": "money", "sale": "money", "earn": "money", "debt": "money", "expens": "money",
	"rate": "percent", "percent": "percent", "percentag": "percent", "interest": "percent", "discount": "percent", "tax": "percent", "yield": "percent", "return": "percent", "inflat": "percent", "probabl": "percent", "humid": "percent", "commiss": "percent", "growth": "percent", "effici": "percent", "concentr": "percent",
	"person": "people", "guest": "people", "passeng": "people", "adult": "people", "children": "people", "parti": "people", "player": "people", "serv": "people", "attende": "people",
	"voltag": "electric", "current": "electric", "resist": "electric", "charg": "electric", "frequenc": "electric", "field": "electric", "pressur": "pressure", "forc": "force", "angl": "angle",
}

func (f *filler) unitFit(s *slot, c *cand) float64 {
	if c.Kind != mention.Number || !s.isNumber() {
		return 0
	}
	dim, known := mention.Dimension(c.Unit)
	switch {
	case c.Percent:
		dim, known = "percent", true
	case c.Currency != "":
		dim, known = "money", true
	}
	unitStem := text.Stem(c.Unit)
	if c.Unit != "" && s.has(unitStem) && !s.has("per") {
		return 1.2
	}
	best, hinted := "", false
	for _, n := range s.name {
		if d, ok := unitHints[n]; ok {
			hinted = true
			best = d
			if d == dim {
				return 0.8
			}
		}
	}
	if c.Unit != "" && s.words[unitStem] > 0 {
		return 0.7
	}
	if known && !hinted {
		for w := range s.words {
			if d, ok := unitHints[w]; ok {
				hinted = true
				if d == dim {
					return 0.5
				}
				best = d
			}
		}
	}
	switch {
	case known && hinted && best != dim:
		return -0.7
	case known && (dim == "money" || dim == "percent" || dim == "time"):
		return -0.35
	case hinted && (best == "time" || best == "people") && c.Unit != "" && !known:
		return -0.2
	}
	return 0
}

func (f *filler) endFit(s *slot, c *cand) float64 {
	switch {
	case s.end == noEnd && c.partner >= 0 && c.prep == "between" && f.paired:
		return -0.8
	case s.end == noEnd || c.end == noEnd:
		return 0
	case s.end == c.end:
		if c.partner >= 0 {
			return 1.2
		}
		return 0.8
	case c.partner >= 0:
		return -1
	}
	return -0.4
}

// How far words near a candidate tell what it is.
const (
	cueBefore = 7
	cueAfter  = 4
)

// cue adds up the slot's words near a candidate: those before it first, less with
// each step, much less beyond another candidate that could take them.
func (f *filler) cue(s *slot, c *cand) float64 {
	sum := 0.0
	seen := map[string]bool{}
	crossed := 1.0
	weigh := func(i int, w float64) {
		stem := f.stems[i]
		if seen[stem] {
			return
		}
		v := s.words[stem]
		if v == 0 {
			for _, also := range cueSynonyms[stem] {
				v = max(v, 0.8*s.words[also])
			}
		}
		if v > 0 {
			seen[stem] = true
			sum += v * w
		}
	}
	for d := 1; d <= cueBefore && c.T0-d >= 0; d++ {
		i := c.T0 - d
		gap := f.t.Gap(i)
		if strings.ContainsAny(gap, ".!?;\n") {
			crossed *= 0.25
		} else if strings.Contains(gap, ",") {
			crossed *= 0.6
		}
		if o := f.owner[i]; o >= 0 && o != c.order && f.rival(c, f.cands[o]) {
			crossed *= 0.3
		}
		weigh(i, crossed/(1+0.3*float64(d-1)))
	}
	crossed = 1
	for d := 0; d < cueAfter && c.T1+d < len(f.t.Words); d++ {
		i := c.T1 + d
		gap := f.t.Gap(i - 1)
		if i > c.T0 && strings.ContainsAny(gap, ".!?;\n") {
			break
		} else if strings.Contains(gap, ",") {
			crossed *= 0.35
		}
		if f.t.Words[i].Norm == "and" {
			crossed *= 0.3
		}
		if o := f.owner[i]; o >= 0 && o != c.order && f.rival(c, f.cands[o]) {
			crossed *= 0.2
		}
		weigh(i, 0.75*crossed/(1+0.5*float64(d)))
	}
	// A slot's word inside a phrase: "lunch recipe" for recipe.
	if c.Kind == phrase || c.Kind == mention.Name {
		for i := c.T0; i < c.T1; i++ {
			weigh(i, 0.4)
		}
	}
	return 1.2 * sum
}

// rival reports whether two candidates could take the same slot.
func (f *filler) rival(a, b *cand) bool {
	return a.Kind == b.Kind || a.Kind != mention.Number && b.Kind != mention.Number && b.Kind != phrase
}

// cueSynonyms are stems near a value that stand for a slot's word.
var cueSynonyms = map[string][]string{
	"tall": {"height"}, "weigh": {"weight", "mass"}, "long": {"length", "durat"}, "wide": {"width"}, "deep": {"depth"}, "old": {"ag"}, "far": {"distanc"}, "high": {"height"}, "cost": {"price", "cost"}, "bought": {"purchas", "bui"}, "sold": {"sale", "sell"}, "earn": {"incom", "salari"}, "flip": {"trial", "flip"}, "roll": {"roll"}, "head": {"success"}, "star": {"rate", "star"}, "bedroom": {"bedroom", "room"}, "speed": {"veloc", "speed"}, "veloc": {"speed", "veloc"}, "breadth": {"width"}, "width": {"breadth"}, "pai": {"payment"}, "invest": {"princip", "amount", "invest"}, "borrow": {"loan", "princip"}, "loan": {"princip", "loan"}, "deposit": {"princip"}, "perform": {"artist"}, "song": {"track", "song"}, "movi": {"film", "movi"}, "film": {"movi"}, "compani": {"compani", "stock"}, "stock": {"compani", "symbol"}, "peopl": {"guest", "person", "parti", "serv", "people"}, "guest": {"peopl"}, "temperatur": {"temp"}, "km": {"distanc"}, "mile": {"distanc"}, "kilomet": {"distanc"}, "year": {"period", "time", "durat", "tenur", "term"}, "month": {"period", "durat", "term"}, "dai": {"period", "durat"}, "hour": {"durat", "time"}, "minut": {"durat", "time"}, "second": {"time", "durat"}, "accelerat": {"acceler"}, "base": {"base"}, "friend": {"peopl"}, "under": {"max", "maximum", "budget"}, "below": {"max", "maximum"}, "above": {"min", "minimum"}, "over": {"min", "minimum"}, "least": {"min", "minimum"}, "most": {"max", "maximum"}, "within": {"radiu", "distanc", "max"}, "radiu": {"radiu", "distanc"}, "row": {"roll"}, "time": {"number"},
}
