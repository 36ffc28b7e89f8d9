package mention

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/text"
)

// Day is what a text says of a date. Zero fields are not said. Relative holds the
// words of a date that depends on today: "tomorrow", "next friday".
type Day struct {
	Year, Month, Day int
	Relative         string
}

// Full reports whether year, month and day are known.
func (d Day) Full() bool { return d.Year > 0 && d.Month > 0 && d.Day > 0 }

// ISO returns the known part in ISO 8601: "2023-06-30", "2023-06", "2023"; "--06-30"
// without a year; empty when nothing is known.
func (d Day) ISO() string {
	switch {
	case d.Full():
		return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
	case d.Year > 0 && d.Month > 0:
		return fmt.Sprintf("%04d-%02d", d.Year, d.Month)
	case d.Year > 0:
		return fmt.Sprintf("%04d", d.Year)
	case d.Month > 0 && d.Day > 0:
		return fmt.Sprintf("--%02d-%02d", d.Month, d.Day)
	}
	return ""
}

// Time returns the first moment of the known part in UTC.
func (d Day) Time() time.Time {
	return time.Date(d.Year, time.Month(max(d.Month, 1)), max(d.Day, 1), 0, 0, 0, 0, time.UTC)
}

// Resolve makes a full date of a relative one, given today. It returns d as it is
// when it cannot.
func (d Day) Resolve(today time.Time) Day {
	if today.IsZero() || d.Relative == "" {
		return d
	}
	at := today
	switch w := strings.Fields(d.Relative); {
	case d.Relative == "today", d.Relative == "tonight", d.Relative == "now":
	case d.Relative == "tomorrow":
		at = today.AddDate(0, 0, 1)
	case d.Relative == "yesterday":
		at = today.AddDate(0, 0, -1)
	case d.Relative == "the day after tomorrow":
		at = today.AddDate(0, 0, 2)
	case d.Relative == "the day before yesterday":
		at = today.AddDate(0, 0, -2)
	case len(w) == 2 && weekdays[w[1]] > 0:
		ahead := (weekdays[w[1]] - 1 - int(today.Weekday()) + 7) % 7
		switch {
		case w[0] == "last":
			at = today.AddDate(0, 0, ahead-7)
		case ahead == 0:
			at = today.AddDate(0, 0, 7)
		default:
			at = today.AddDate(0, 0, ahead)
		}
	default:
		return d
	}
	return Day{Year: at.Year(), Month: int(at.Month()), Day: at.Day(), Relative: d.Relative}
}

// weekdays are one more than time.Weekday, so that zero is none.
var weekdays = map[string]int{"sunday": 1, "monday": 2, "tuesday": 3, "wednesday": 4, "thursday": 5, "friday": 6, "saturday": 7}

func monthOf(name string) int {
	name = strings.ToLower(name)
	if len(name) < 3 {
		return 0
	}
	for m := time.January; m <= time.December; m++ {
		if strings.HasPrefix(strings.ToLower(m.String()), name) || name == "sept" && m == time.September {
			return int(m)
		}
	}
	return 0
}

// datePatterns are the forms of dates. read makes a Day of the groups.
type datePattern struct {
	re   *regexp.Regexp
	read func(g []string) Day
}

const (
	monthRE = `(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)`
	dayRE   = `(\d{1,2})(?:st|nd|rd|th)?`
	yearRE  = `((?:1[0-9]|20|21)\d\d)`
)

var datePatterns = sync.OnceValue(func() []datePattern {
	num := func(s string) int { n, _ := strconv.Atoi(s); return n }
	re := func(s string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b` + s + `\b`) }
	return []datePattern{
		{re(`(\d{4})-(\d{2})-(\d{2})`), func(g []string) Day { return Day{Year: num(g[1]), Month: num(g[2]), Day: num(g[3])} }},
		{re(`(\d{4})/(\d{1,2})/(\d{1,2})`), func(g []string) Day { return Day{Year: num(g[1]), Month: num(g[2]), Day: num(g[3])} }},
		{re(`(\d{1,2})/(\d{1,2})/(\d{4})`), func(g []string) Day {
			if num(g[1]) > 12 {
				return Day{Year: num(g[3]), Month: num(g[2]), Day: num(g[1])}
			}
			return Day{Year: num(g[3]), Month: num(g[1]), Day: num(g[2])}
		}},
		{re(`(\d{1,2})\.(\d{1,2})\.(\d{4})`), func(g []string) Day { return Day{Year: num(g[3]), Month: num(g[2]), Day: num(g[1])} }},
		{re(`(\d{1,2})-(\d{1,2})-(\d{4})`), func(g []string) Day {
			if num(g[1]) > 12 {
				return Day{Year: num(g[3]), Month: num(g[2]), Day: num(g[1])}
			}
			return Day{Year: num(g[3]), Month: num(g[1]), Day: num(g[2])}
		}},
		{re(monthRE + `\.? ` + dayRE + `(?:,? (?:of )?` + yearRE + `)?`), func(g []string) Day { return Day{Year: num(g[3]), Month: monthOf(g[1]), Day: num(g[2])} }},
		{re(dayRE + `(?: of)?[ -]` + monthRE + `\.?(?:(?:,? (?:of )?|-)` + yearRE + `)?`), func(g []string) Day { return Day{Year: num(g[3]), Month: monthOf(g[2]), Day: num(g[1])} }},
		{re(monthRE + `\.?,? (?:of )?` + yearRE), func(g []string) Day { return Day{Year: num(g[2]), Month: monthOf(g[1])} }},
		{re(`(?:the )?(day after tomorrow|day before yesterday)`), func(g []string) Day { return Day{Relative: "the " + strings.ToLower(g[1])} }},
		{re(`(today|tonight|tomorrow|yesterday)`), func(g []string) Day { return Day{Relative: strings.ToLower(g[1])} }},
		{re(`(?:(next|this|last|coming|upcoming|on) )(monday|tuesday|wednesday|thursday|friday|saturday|sunday)`), func(g []string) Day {
			return Day{Relative: strings.ToLower(g[1] + " " + g[2])}
		}},
		{re(`((?:next|this|last|current|previous|upcoming) (?:week|weekend|month|quarter|year))`), func(g []string) Day { return Day{Relative: strings.ToLower(g[1])} }},
		{regexp.MustCompile(`\b(Jan(?:uary)?|Feb(?:ruary)?|March|April|June|July|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b`), func(g []string) Day { return Day{Month: monthOf(g[1])} }},
		{regexp.MustCompile(`\b(?:in|of|since|until|by|during|year|from|to|and|for|before|after|around|between)\s+(?:the year )?(1[0-9]\d\d|20\d\d)\b`), func(g []string) Day { return Day{Year: num(g[1])} }},
	}
})

var timeRE = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s?([ap])\.?m\b\.?)?|(\d{1,2})\s?([ap])\.?m\b\.?|(noon|midnight)\b)`)
})

func (f *finder) dates() {
	s := f.t.S
	for _, p := range datePatterns() {
		for _, m := range p.re.FindAllStringSubmatchIndex(s, 100) {
			g := groups(s, m)
			d := p.read(g)
			if d.Month > 12 || d.Day > 31 {
				continue
			}
			span := text.Span{Start: m[0], End: m[1]}
			if d.Month == 0 && d.Day == 0 && d.Relative == "" { // the word before the year is not part of it
				span.Start = m[2]
			}
			f.take(Mention{Span: span, Kind: Date, Day: d})
		}
	}
	for _, m := range timeRE().FindAllStringSubmatchIndex(s, 100) {
		if clock, ok := clockOf(groups(s, m)); ok {
			f.take(Mention{Span: text.Span{Start: m[0], End: m[1]}, Kind: Time, Clock: clock})
		}
	}
}

func groups(s string, m []int) []string {
	g := make([]string, len(m)/2)
	for i := range g {
		if m[2*i] >= 0 {
			g[i] = s[m[2*i]:m[2*i+1]]
		}
	}
	return g
}

func clockOf(g []string) (string, bool) {
	hour, half := g[1], g[4]
	minute := g[2]
	if g[5] != "" {
		hour, minute, half = g[5], "00", g[6]
	}
	switch strings.ToLower(g[7]) {
	case "noon":
		return "12:00", true
	case "midnight":
		return "00:00", true
	}
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	if half != "" {
		h %= 12
		if strings.EqualFold(half, "p") {
			h += 12
		}
	}
	if h > 24 || m > 59 {
		return "", false
	}
	clock := fmt.Sprintf("%02d:%02d", h, m)
	if g[3] != "" {
		clock += ":" + g[3]
	}
	return clock, true
}
