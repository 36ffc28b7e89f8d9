package schema

import (
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"
)

// matches reports whether s matches a pattern. A pattern that Go cannot compile
// matches everything: nothing can be said of it.
func matches(pattern, s string) bool {
	if len(pattern) > 1000 {
		return true
	}
	re, err := regexp.Compile(pattern)
	return err != nil || re.MatchString(s)
}

func fitsFormat(format, s string) bool {
	var err error
	switch format {
	case "date":
		_, err = time.Parse(time.DateOnly, s)
	case "date-time":
		_, err = time.Parse(time.RFC3339, s)
	case "email":
		_, err = mail.ParseAddress(s)
	case "uri", "url":
		u, e := url.Parse(s)
		return e == nil && u.Scheme != ""
	case "ipv4":
		a, e := netip.ParseAddr(s)
		return e == nil && a.Is4()
	case "ipv6":
		a, e := netip.ParseAddr(s)
		return e == nil && a.Is6()
	case "uuid":
		return matches(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`, s)
	case "time":
		_, err = time.Parse("15:04:05Z07:00", s)
	}
	return err == nil
}

// maxSample bounds a made-up text.
const maxSample = 2000

// sample returns the plainest text that a pattern matches.
func sample(pattern string) (string, bool) {
	if len(pattern) > 1000 {
		return "", false
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	var sb strings.Builder
	ok := appendSample(&sb, re.Simplify())
	return sb.String(), ok
}

func appendSample(sb *strings.Builder, re *syntax.Regexp) bool {
	if sb.Len() > maxSample {
		return false
	}
	switch re.Op {
	case syntax.OpLiteral:
		sb.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return false
		}
		sb.WriteRune(plainest(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		sb.WriteByte('-')
	case syntax.OpCapture, syntax.OpPlus:
		return appendSample(sb, re.Sub[0])
	case syntax.OpRepeat:
		for range re.Min {
			if !appendSample(sb, re.Sub[0]) {
				return false
			}
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if !appendSample(sb, sub) {
				return false
			}
		}
	case syntax.OpAlternate:
		return appendSample(sb, re.Sub[0])
	case syntax.OpNoMatch:
		return false
	default: // empty matches, stars and question marks: nothing
	}
	return true
}

// plainest returns a rune of the class: a letter or digit when it has one.
func plainest(ranges []rune) rune {
	for _, c := range "0a-A" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= c && c <= ranges[i+1] {
				return c
			}
		}
	}
	return ranges[0]
}
