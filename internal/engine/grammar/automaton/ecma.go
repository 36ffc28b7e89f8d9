package automaton

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What ECMA 262 calls white space is more than what RE2 does. A pattern that asks
// for white space gets what both agree on, one that asks for anything else gets
// what neither calls white space: so the text is valid under either reading.
const (
	spaceBoth   = `\t\n\f\r `
	spaceEither = `\t\n\x0b\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	// the complements, as ranges, for use inside of a class
	notSpaceBoth   = `\x00-\x08\x0b\x0e-\x1f!-\x{10ffff}`
	notSpaceEither = `\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}` +
		`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
	dot = `[^\n\r\x{2028}\x{2029}]`
)

// longNames are the general categories that patterns spell out.
var longNames = map[string]string{
	"Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Mark": "M", "Number": "N",
	"Decimal_Number": "Nd", "Punctuation": "P", "Symbol": "S", "Separator": "Z", "Space_Separator": "Zs",
}

// translate rewrites an ECMA 262 expression as RE2's syntax has it.
func translate(expr string) (string, error) {
	if !utf8.ValidString(expr) {
		return "", fmt.Errorf("the pattern is no valid UTF-8")
	}
	t := &translator{in: expr}
	for t.at < len(t.in) {
		if err := t.next(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

type translator struct {
	in  string
	at  int
	out strings.Builder
}

func (t *translator) rest() string { return t.in[t.at:] }

// copy passes n bytes on as they are.
func (t *translator) copy(n int) {
	t.out.WriteString(t.in[t.at : t.at+n])
	t.at += n
}

// put writes text in place of n bytes.
func (t *translator) put(n int, text string) {
	t.out.WriteString(text)
	t.at += n
}

func (t *translator) next() error {
	switch rest := t.rest(); rest[0] {
	case '\\':
		return t.escape(false, false)
	case '[':
		return t.class()
	case '.':
		t.put(1, dot)
	case '^':
		t.put(1, `\A`)
	case '$':
		t.put(1, `\z`)
	case '(':
		return t.group()
	case '{':
		if n := quantifier(rest); n > 0 {
			t.copy(n)
		} else {
			t.put(1, `\{`)
		}
	default:
		t.copy(1)
	}
	return nil
}

// quantifier returns the length of {n}, {n,} or {n,m} at the start of text, or 0.
func quantifier(text string) int {
	end := strings.IndexByte(text, '}')
	if end < 0 {
		return 0
	}
	low, high, _ := strings.Cut(text[1:end], ",")
	if low == "" || strings.Trim(low, "0123456789") != "" || strings.Trim(high, "0123456789") != "" {
		return 0
	}
	return end + 1
}

func (t *translator) group() error {
	rest := t.rest()
	if !strings.HasPrefix(rest, "(?") {
		t.put(1, "(?:")
		return nil
	}
	if strings.HasPrefix(rest, "(?:") {
		t.copy(3)
		return nil
	}
	for _, p := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.HasPrefix(rest, p) {
			return fmt.Errorf("look-around %s…) has no automaton", p)
		}
	}
	if end := strings.IndexByte(rest, '>'); strings.HasPrefix(rest, "(?<") && end > 0 {
		t.put(end+1, "(?:")
		return nil
	}
	return fmt.Errorf("the group %.4s…) is not understood", rest)
}

// class rewrites a character class.
func (t *translator) class() error {
	negated := strings.HasPrefix(t.rest(), "[^")
	open := 1
	if negated {
		open = 2
	}
	if strings.HasPrefix(t.rest()[open:], "]") { // nothing, or anything
		if negated {
			t.put(3, `[\x00-\x{10ffff}]`)
		} else {
			t.put(2, `[^\x00-\x{10ffff}]`)
		}
		return nil
	}
	t.copy(open)
	for t.at < len(t.in) {
		switch t.in[t.at] {
		case ']':
			t.copy(1)
			return nil
		case '\\':
			if err := t.escape(true, negated); err != nil {
				return err
			}
		case '[', '&', '~', '^':
			t.put(1, `\`+t.in[t.at:t.at+1])
		default:
			t.copy(1)
		}
	}
	return fmt.Errorf("a character class is not closed")
}

// escape rewrites what begins with a backslash.
func (t *translator) escape(inClass, negated bool) error {
	rest := t.rest()
	if len(rest) < 2 {
		return fmt.Errorf("the pattern ends with a backslash")
	}
	switch c := rest[1]; c {
	case 'd', 'D', 'w', 'W', 't', 'n', 'r', 'f', 'v':
		t.copy(2)
	case 's', 'S':
		t.put(2, spaces(c == 's', inClass, negated))
	case 'b', 'B':
		if c == 'b' && inClass {
			t.put(2, `\x08`)
			return nil
		}
		return fmt.Errorf(`word boundaries (\%c) are not supported`, c)
	case '0':
		t.put(2, `\x00`)
	case 'c':
		if len(rest) < 3 || !letter(rest[2]) {
			return fmt.Errorf(`\c needs a letter`)
		}
		t.put(3, fmt.Sprintf(`\x{%x}`, rest[2]&31))
	case 'x':
		return t.hex(2, 2)
	case 'u':
		return t.unicode()
	case 'p', 'P':
		return t.property()
	default:
		if c >= '1' && c <= '9' || c == 'k' {
			return fmt.Errorf(`back references (\%c) have no automaton`, c)
		}
		if letter(c) {
			return fmt.Errorf(`the escape \%c is not understood`, c)
		}
		if c >= utf8.RuneSelf || c == '_' {
			t.at++ // the backslash says nothing
			_, n := utf8.DecodeRuneInString(t.rest())
			t.copy(n)
			return nil
		}
		t.copy(2)
	}
	return nil
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// spaces says what \s (space) or \S is, outside of a class or in one.
func spaces(space, inClass, negated bool) string {
	switch {
	case !inClass && space:
		return "[" + spaceBoth + "]"
	case !inClass:
		return "[^" + spaceEither + "]"
	case space && !negated:
		return spaceBoth
	case space:
		return spaceEither
	case !negated:
		return notSpaceEither
	}
	return notSpaceBoth
}

// hex rewrites an escape with digits hexadecimal digits after skip bytes.
func (t *translator) hex(skip, digits int) error {
	r, ok := hexRune(t.rest(), skip, digits)
	if !ok {
		return fmt.Errorf("the escape %.6s is not understood", t.rest())
	}
	t.put(skip+digits, fmt.Sprintf(`\x{%x}`, r))
	return nil
}

func hexRune(text string, skip, digits int) (rune, bool) {
	if len(text) < skip+digits {
		return 0, false
	}
	v, err := strconv.ParseUint(text[skip:skip+digits], 16, 32)
	return rune(v), err == nil //nolint:gosec // eight digits at most are asked for
}

// unicode rewrites \uXXXX, a surrogate pair of two of them, and \u{X…}.
func (t *translator) unicode() error {
	rest := t.rest()
	if strings.HasPrefix(rest, `\u{`) {
		end := strings.IndexByte(rest, '}')
		if end < 4 || end > 9 {
			return fmt.Errorf("the escape %.8s is not understood", rest)
		}
		r, ok := hexRune(rest, 3, end-3)
		if !ok || r > utf8.MaxRune {
			return fmt.Errorf("the escape %.8s is not understood", rest)
		}
		t.put(end+1, fmt.Sprintf(`\x{%x}`, r))
		return nil
	}
	r, ok := hexRune(rest, 2, 4)
	if ok && r >= 0xD800 && r < 0xDC00 && len(rest) >= 12 && rest[6:8] == `\u` {
		if low, ok := hexRune(rest, 8, 4); ok && low >= 0xDC00 && low < 0xE000 {
			t.put(12, fmt.Sprintf(`\x{%x}`, 0x10000+(r-0xD800)<<10+low-0xDC00))
			return nil
		}
	}
	if ok && r >= 0xD800 && r < 0xE000 {
		return fmt.Errorf("%.6s is half of a surrogate pair", rest)
	}
	return t.hex(2, 4)
}

// property rewrites \p{…}.
func (t *translator) property() error {
	rest := t.rest()
	end := strings.IndexByte(rest, '}')
	if !strings.HasPrefix(rest[2:], "{") || end < 0 {
		return fmt.Errorf(`the escape %.4s needs a property in braces`, rest)
	}
	name := rest[3:end]
	if _, value, ok := strings.Cut(name, "="); ok {
		name = value
	}
	if short, ok := longNames[name]; ok {
		name = short
	}
	t.put(end+1, rest[:3]+name+"}")
	return nil
}
