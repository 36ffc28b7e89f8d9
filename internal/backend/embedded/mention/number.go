package mention

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/text"
)

var numberRE = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([-−+])?\s?([$€£¥₹])?\s?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE]([-+]?\d{1,3})\b|\s?[x×*]\s?10\s?\^?\s?([-−+]?\d{1,3})\b)?(½)?(?:(st|nd|rd|th)\b)?`)
})

// scales are what a word after a number multiplies it by. Single letters must follow it closely.
var scales = map[string]float64{
	"hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12,
	"k": 1e3, "m": 1e6, "mn": 1e6, "mm": 1e6, "bn": 1e9, "b": 1e9, "lakh": 1e5, "crore": 1e7,
}

var currencies = map[string]string{
	"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "usd": "USD", "dollar": "USD", "dollars": "USD", "eur": "EUR", "euro": "EUR", "euros": "EUR",
	"gbp": "GBP", "pounds": "GBP", "yen": "JPY", "jpy": "JPY", "inr": "INR", "rupees": "INR", "rs": "INR", "cny": "CNY", "yuan": "CNY", "cad": "CAD", "aud": "AUD", "chf": "CHF",
}

var wordNumbers = map[string]float64{
	"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13,
	"fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
	"seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000, "dozen": 12, "half": 0.5, "twice": 2, "thrice": 3, "once": 1, "couple": 2, "quarter": 0.25,
}

var ordinals = map[string]float64{
	"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "twentieth": 20,
}

func (f *finder) numbers() {
	s := f.t.S
	for _, m := range numberRE().FindAllStringSubmatchIndex(s, 500) {
		if n, ok := f.number(m); ok {
			f.take(n)
		}
	}
	f.numberWords()
}

// number reads one match of numberRE.
func (f *finder) number(m []int) (Mention, bool) {
	s := f.t.S
	g := groups(s, m)
	start, end := m[0], m[1]
	if start < len(s) && s[start] == ' ' {
		start++
	}
	// A sign belongs to the number only where a value may start.
	sign := g[1]
	if sign != "" {
		before := strings.TrimRight(s[:start], " ")
		if before != "" && (start == len(before) || isDigit(before[len(before)-1]) && s[m[2]+len(sign)] == ' ') && !strings.ContainsAny(before[len(before)-1:], "(=[,:;{") {
			sign = ""
			start = m[2] + len(g[1])
		} else if s[m[2]+len(sign)] == ' ' && len(before) > 0 && before[len(before)-1] != '=' {
			sign = ""
			start = m[2] + len(g[1])
		}
	}
	for start < m[6] && s[start] == ' ' {
		start++
	}
	if start > 0 && start == m[6] && wordByte(s[start-1]) {
		return Mention{}, false // in the midst of a word
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(g[3], ",", ""), 64)
	if err != nil {
		return Mention{}, false
	}
	for _, e := range g[4:6] {
		if e != "" {
			x, _ := strconv.Atoi(strings.ReplaceAll(e, "−", "-"))
			v *= math.Pow10(x)
		}
	}
	if g[6] != "" {
		v += 0.5
	}
	if sign == "-" || sign == "−" {
		v = -v
	}
	n := Mention{Kind: Number, Value: v, Currency: currencies[g[2]], Ordinal: g[7] != ""}
	n.Integer = !strings.Contains(g[3], ".") && g[4] == "" && g[5] == "" && g[6] == ""
	n.Span = text.Span{Start: start, End: end}
	f.unit(&n)
	return n, true
}

// unit reads what stands after a number: a scale, a percent sign, a unit, a currency.
func (f *finder) unit(n *Mention) {
	s := f.t.S
	for range 2 {
		rest := s[n.End:]
		close := !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, "-")
		gap := 0
		if !close {
			gap = 1
		}
		rest = rest[gap:]
		if strings.HasPrefix(rest, "%") || strings.HasPrefix(rest, "percent") || strings.HasPrefix(rest, "per cent") || strings.HasPrefix(rest, "pct") {
			n.Percent = true
			n.Unit = "percent"
			if rest[0] == '%' {
				n.End += gap + 1
			}
			return
		}
		w := unitPrefix(rest)
		if w == "" {
			return
		}
		low := strings.ToLower(w)
		if x, ok := scales[low]; ok && (len(low) > 2 || close && (n.Currency != "" || low == "k" || w == "M" || w == "B" || low == "bn")) {
			n.Value *= x
			n.Integer = n.Value == math.Trunc(n.Value)
			n.End += gap + len(w)
			continue
		}
		if n.Ordinal || text.Stopword(low) {
			return
		}
		n.Unit = text.Fold(w)
		if c := currencies[low]; c != "" && n.Currency == "" {
			n.Currency = c
		}
		if close {
			n.End += len(w)
		}
		return
	}
}

// unitPrefix returns the word or compound sign at the start of s.
func unitPrefix(s string) string {
	if strings.HasPrefix(s, "°") || strings.HasPrefix(s, "º") {
		return s[:len("°")] + unitPrefix(s[len("°"):])
	}
	i := 0
	for i < len(s) && (wordByte(s[i]) && !isDigit(s[i]) || i > 0 && (s[i] == '/' && i+1 < len(s) && wordByte(s[i+1]))) {
		i++
	}
	if i > 0 && (strings.HasPrefix(s[i:], "²") || strings.HasPrefix(s[i:], "³")) {
		i += len("²")
	}
	if i > 0 && i+1 < len(s) && s[i] == '^' && isDigit(s[i+1]) {
		i += 2
	}
	return s[:i]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// unitWord reports whether w is a common unit of measure.
func unitWord(w string) bool {
	_, ok := Dimension(w)
	return ok
}

// numberWords takes numbers written as words, "twenty-five thousand".
func (f *finder) numberWords() {
	words := f.t.Words
	for i := 0; i < len(words); i++ {
		w := words[i].Norm
		v, ok := wordNumbers[w]
		ordinal := false
		if !ok {
			if v, ordinal = ordinals[w]; !ordinal {
				continue
			}
		}
		end := i + 1
		for !ordinal && end < len(words) && strings.Trim(f.t.Gap(end-1), " -") == "" {
			next, isNumber := wordNumbers[words[end].Norm]
			scale, isScale := scales[words[end].Norm]
			if isScale && len(words[end].Norm) > 2 {
				v *= scale
			} else if isNumber && v >= 20 && v < 100 && math.Mod(v, 10) == 0 && next < 10 && next >= 1 {
				v += next
			} else if isNumber && v >= 100 && next < v && next >= 1 {
				v += next
			} else {
				break
			}
			end++
		}
		n := Mention{Span: text.Span{Start: words[i].Start, End: words[end-1].End}, Kind: Number, Value: v, Integer: v == math.Trunc(v), Ordinal: ordinal, Word: true}
		if !ordinal {
			f.unit(&n)
		}
		n.Text = n.Of(f.t.S)
		f.take(n)
		i = end - 1
	}
}
