package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The runes of a glob that are not literal. Valid text has no negative runes.
const (
	anyRun rune = -1 - iota // "*"
	anyOne                  // "?"
)

// glob matches text. It is literal runes, anyRun and anyOne.
type glob []rune

// match reports whether all of s fits. It takes at most len(g)·len(s) steps: only the
// last "*" is ever tried again.
func (g glob) match(s string) bool {
	p, i := 0, 0
	star, resume := -1, 0 // where the last "*" was, and what it has taken so far
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case p < len(g) && g[p] == anyRun:
			star, resume = p, i
			p++
		case p < len(g) && (g[p] == anyOne || g[p] == r):
			p++
			i += size
		case star >= 0:
			_, size := utf8.DecodeRuneInString(s[resume:])
			resume += size
			p, i = star+1, resume
		default:
			return false
		}
	}
	for p < len(g) && g[p] == anyRun {
		p++
	}
	return p == len(g)
}

// pattern is a glob that may hold policy variables, which take their value from the
// request: "arn:aws:s3:::home/${aws:username}/*".
type pattern struct {
	parts []patternPart
}

// patternPart is a piece of glob, or a variable.
type patternPart struct {
	glob     glob
	variable string // a condition key; empty for a piece of glob
	fallback *string
}

// compileOptions say what is special in a pattern.
type compileOptions struct {
	wildcards bool // "*" and "?"
	variables bool // "${…}"
}

// compilePattern parses a pattern. In one with variables, "${*}", "${?}" and "${$}" stand
// for the characters themselves.
func compilePattern(s string, o compileOptions) (pattern, error) {
	var p pattern
	var literal glob
	flush := func() {
		if literal != nil {
			p.parts = append(p.parts, patternPart{glob: literal})
			literal = nil
		}
	}
	for len(s) > 0 {
		if o.variables && strings.HasPrefix(s, "${") {
			body, rest, ok := strings.Cut(s[2:], "}")
			if !ok {
				return pattern{}, fmt.Errorf("the policy variable in %q is not closed", clip(s))
			}
			s = rest
			if body == "*" || body == "?" || body == "$" {
				literal = append(literal, rune(body[0]))
				continue
			}
			part, err := parseVariable(body)
			if err != nil {
				return pattern{}, err
			}
			flush()
			p.parts = append(p.parts, part)
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		switch {
		case o.wildcards && r == '*':
			r = anyRun
		case o.wildcards && r == '?':
			r = anyOne
		}
		literal = append(literal, r)
	}
	flush()
	return p, nil
}

// parseVariable reads what stands between "${" and "}": a key, and maybe a default in
// single quotes.
func parseVariable(body string) (patternPart, error) {
	key, fallback, hasDefault := strings.Cut(body, ",")
	part := patternPart{variable: strings.TrimSpace(key)}
	if part.variable == "" || strings.ContainsAny(part.variable, "${ '") {
		return part, fmt.Errorf("${%s} is not a policy variable", clip(body))
	}
	if hasDefault {
		fallback = strings.TrimSpace(fallback)
		if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
			return part, fmt.Errorf("the default value in ${%s} must be in single quotes", clip(body))
		}
		fallback = fallback[1 : len(fallback)-1]
		part.fallback = &fallback
	}
	return part, nil
}

// resolve fills in the variables. It is false when one has no value, and then the pattern
// matches nothing. A value's own "*" and "?" are plain characters.
func (p pattern) resolve(e *evaluation) (glob, bool) {
	if len(p.parts) == 1 && p.parts[0].variable == "" {
		return p.parts[0].glob, true
	}
	var g glob
	for _, part := range p.parts {
		if part.variable == "" {
			g = append(g, part.glob...)
			continue
		}
		v, ok := e.value(part.variable)
		if !ok {
			if part.fallback == nil {
				return nil, false
			}
			v = *part.fallback
		}
		for _, r := range v {
			g = append(g, r)
		}
	}
	return g, true
}

func (p pattern) match(s string, e *evaluation) bool {
	g, ok := p.resolve(e)
	return ok && g.match(s)
}

// matchFold compares without regard to case; for patterns without wildcards.
func (p pattern) matchFold(s string, e *evaluation) bool {
	g, ok := p.resolve(e)
	return ok && strings.EqualFold(string(g), s)
}

// arnFields is how many fields an ARN has. Colons in the last are part of it.
const arnFields = 6

// arnPattern matches ARNs field by field, so that a "*" does not reach over a colon
// except in the last field.
type arnPattern [arnFields]pattern

// compileARN parses an ARN pattern. Fields missing at its end are any, when complete says
// so.
func compileARN(s string, o compileOptions, complete bool) (p arnPattern, err error) {
	fields := splitARN(s, o.variables)
	if fields[0] != "arn" || len(fields) < 2 || !complete && len(fields) < arnFields {
		return p, fmt.Errorf("%q is not an ARN", clip(s))
	}
	for len(fields) < arnFields {
		fields = append(fields, "*")
	}
	for i, f := range fields {
		if p[i], err = compilePattern(f, o); err != nil {
			return p, err
		}
	}
	return p, nil
}

// splitARN splits at the first five colons that are not inside a variable.
func splitARN(s string, variables bool) (fields []string) {
	start, inside := 0, false
	for i := 0; i < len(s) && len(fields) < arnFields-1; i++ {
		switch {
		case variables && strings.HasPrefix(s[i:], "${"):
			inside = true
		case s[i] == '}':
			inside = false
		case s[i] == ':' && !inside:
			fields = append(fields, s[start:i])
			start = i + 1
		}
	}
	return append(fields, s[start:])
}

func (p *arnPattern) match(s string, e *evaluation) bool {
	for i := range p {
		field := s
		if i < arnFields-1 {
			var ok bool
			if field, s, ok = strings.Cut(s, ":"); !ok {
				return false
			}
		}
		if !p[i].match(field, e) {
			return false
		}
	}
	return true
}

// clip shortens foreign text for a message.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
