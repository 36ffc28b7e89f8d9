package automaton

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

func TestPatternMatchesRegexp(t *testing.T) {
	t.Parallel()
	exprs := []string{
		"", "a", "^a", "a$", "^a$", "^$", "a|b", "^(a|b)+$", "^a{2,4}b?$", "[a-c]x", "^[^a]*$", "^(ab)*$", "(a|^)b",
		"a.b", "^a*?b+?$", `^\d{1,3}$`, `^\w+\W$`, "^(?:a|ab)(?:c|bcd)$", "(^a|b$)", "^(a*)*$", "x$|^y", "^é+$", `[b\d-]`,
	}
	alphabet := []rune("aabbcdx1yé \n-")
	random := rand.New(rand.NewPCG(1, 2))
	for _, expr := range exprs {
		d, err := Pattern(expr)
		if err != nil {
			t.Errorf("Pattern(%q): %v", expr, err)
			continue
		}
		re := regexp.MustCompile(expr)
		for range 2000 {
			var b strings.Builder
			for range random.IntN(7) {
				b.WriteRune(alphabet[random.IntN(len(alphabet))])
			}
			if got, want := d.Match(b.String()), re.MatchString(b.String()); got != want {
				t.Fatalf("%q on %q: got %v, want %v", expr, b.String(), got, want)
			}
		}
	}
}

func TestPatternECMA(t *testing.T) {
	t.Parallel()
	f := func(expr, text string, want bool) {
		t.Helper()
		d, err := Pattern(expr)
		if err != nil {
			t.Errorf("Pattern(%q): %v", expr, err)
			return
		}
		if got := d.Match(text); got != want {
			t.Errorf("%q on %q: got %v, want %v", expr, text, got, want)
		}
	}
	f(`^\u0041$`, "A", true)
	f(`^\ud83d\ude00$`, "😀", true)
	f(`^\u{1F600}$`, "😀", true)
	f(`^\x41\/\-$`, "A/-", true)
	f(`^\cJ$`, "\n", true)
	f(`^[\b]$`, "\b", true)
	f(`^\p{Letter}+$`, "añ", true)
	f(`^\p{Script=Greek}$`, "λ", true)
	f(`^(?<year>\d{4})$`, "2024", true)
	f(`^a{,2}$`, "a{,2}", true)
	f(`^[[]$`, "[", true)
	f(`^[^]$`, "x", true)
	f(`[]`, "x", false)
	f(`^\S$`, "\u00a0", false)
	f(`^\s$`, "\u00a0", false)
	f(`^[^\s]$`, "\u00a0", false)
	f(`^[^\S]$`, " ", true)
	f(`^[\S]$`, "é", true)
	f(`^.$`, "\r", false)
	f(`^[\w-.]$`, "-", true)
	f(`^a$`, "a\n", false)
}

func TestPatternErrors(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{
		`(?=a)`, `(?!a)`, `(?<=a)`, `(?<!a)`, `(a)\1`, `\bfoo`, `[a`, `(`, `a**`, `\`, `\k<a>`, `\ud800`, `(?i)a`, "a{2000}",
		`(a{500}){500}`, `^(a|b)*a(a|b){40}$`, `\p{Nope}`, `\u{110000}`, `(((a{100}){100}){100}){100}`, `[\p{L}\d]{900}x[\p{L}]{900}(a|b)*a(a|b){30}`,
	} {
		if _, err := Pattern(expr); err == nil {
			t.Errorf("Pattern(%q): no error", expr)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	f := func(format string, valid, invalid []string) {
		t.Helper()
		d, err := Format(format)
		if err != nil || d == nil {
			t.Errorf("%s: %v", format, err)
			return
		}
		t.Logf("%s: %d states", format, d.States())
		for _, s := range valid {
			if !d.Match(s) {
				t.Errorf("%s refuses %q", format, s)
			}
		}
		for _, s := range invalid {
			if d.Match(s) {
				t.Errorf("%s accepts %q", format, s)
			}
		}
	}
	f("date", []string{"2024-02-29", "2000-02-29", "1999-12-31"}, []string{"2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "24-01-01"})
	f("time", []string{"23:59:59Z", "00:00:00.123+02:00"}, []string{"24:00:00Z", "10:00:00", "10:00Z"})
	f("date-time", []string{"2024-02-29T10:00:00Z"}, []string{"2024-02-29 10:00:00Z"})
	f("email", []string{"a@b.co", "first.last+tag@mail.example.com"}, []string{"a.@b.co", "a..b@c.de", "@b.co", "a@-b.co"})
	f("ipv4", []string{"0.0.0.0", "255.255.255.255"}, []string{"256.0.0.1", "01.2.3.4", "1.2.3"})
	f("ipv6", []string{"::", "::1", "1:2:3:4:5:6:7:8", "fe80::1:2", "::ffff:1.2.3.4", "1:2:3:4:5:6:7::"}, []string{"1:2", ":::", "1:2:3:4:5:6:7:8:9", "g::"})
	f("uuid", []string{"123e4567-e89b-12d3-a456-426614174000"}, []string{"123e4567e89b12d3a456426614174000"})
	f("hostname", []string{"localhost", "a-b.example.com"}, []string{"-a", "a-", "a..b", strings.Repeat("a", 64)})
	f("uri", []string{"https://example.com/a/b?c=d#e", "mailto:a@b.co", "http://h:80"}, []string{"example.com", "http://a b", "https://%zz"})
	f("duration", []string{"P1D", "PT5M", "P1Y2M3DT4H5M6S", "P2W"}, []string{"P", "PT", "1D", "P1S"})
	f("json-pointer", []string{"", "/a/b~1c"}, []string{"a", "/~2"})
	f("uri-reference", []string{"", "/a", "?q", "#f", "https://a.b/c"}, []string{" ", "/%zz"})
}

func TestProducts(t *testing.T) {
	t.Parallel()
	a, _ := Pattern("^[ab]*$")
	b, _ := Pattern("aa")
	both, err := Intersect(a, b)
	if err != nil {
		t.Fatal(err)
	}
	less, err := Minus(a, b)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][2]bool{"aab": {true, false}, "abab": {false, true}, "": {false, true}, "caa": {false, false}} {
		if got := [2]bool{both.Match(text), less.Match(text)}; got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	none, err := Intersect(Literals([]string{"x", "yy"}), a)
	if err != nil || !none.Empty() {
		t.Errorf("got %v states, %v, want nothing", none.States(), err)
	}
	if got, want := Literals([]string{"x", "yyy"}).Longest(), 3; got != want {
		t.Errorf("longest: got %d, want %d", got, want)
	}
	if got, want := a.Longest(), -1; got != want {
		t.Errorf("longest: got %d, want %d", got, want)
	}
	if got, want := b.Shortest()[0], 2; got != want {
		t.Errorf("shortest: got %d, want %d", got, want)
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("^a+$", "aaa")
	f.Add(`[^\S\d](?:x|\u0041){2,3}`, " xA")
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 40 {
			return
		}
		d, err := Pattern(expr)
		if err != nil {
			return
		}
		d.Match(text)
		if !d.Empty() && d.Shortest()[0] > 1<<20 {
			t.Errorf("%q: a trimmed automaton without an end", expr)
		}
	})
}
