package smithy_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

func TestPattern(t *testing.T) {
	t.Parallel()
	f := func(p *smithy.Pattern, s string, want bool) {
		t.Helper()
		if err := p.Compile(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time it may be remembered
			if got := p.Match(s); got != want {
				t.Errorf("%s matches %q: got %v, want %v", p.Expr, s, got, want)
			}
		}
	}
	f(&smithy.Pattern{Expr: `a|b`}, "ab", false)
	f(&smithy.Pattern{Expr: `a|b`}, "b", true)
	f(&smithy.Pattern{Expr: `^a$`}, "a", true)
	f(&smithy.Pattern{Expr: `^a$`}, "a\n", false)
	f(&smithy.Pattern{Expr: `[\s\S]*`}, "any\nthing", true)
	f(&smithy.Pattern{Expr: `.+`}, "two\nlines", false)
	f(&smithy.Pattern{Expr: `[a-z]{2,3}`}, "é", false)
	f(&smithy.Pattern{Expr: `[a-zé]{2,3}`}, "éa", true)
	f(&smithy.Pattern{Expr: `[0-9]{12}`}, strings.Repeat("1", 13), false)
	f(&smithy.Pattern{Expr: `[a-z]+[a-z0-9]`}, "ab", true)
	f(&smithy.Pattern{Expr: `(a|b)+`}, strings.Repeat("ab", 200), true)
	f(&smithy.Pattern{Expr: `(?!x).+`, All: []string{`.+`}, None: []string{`x.*`}}, "xa", false)
	f(&smithy.Pattern{Expr: `(?!x).+`, All: []string{`.+`}, None: []string{`x.*`}}, "ax", true)
	f(&smithy.Pattern{Expr: `(a|bc)+`}, strings.Repeat("bc", 8<<10), true)
	f(&smithy.Pattern{Expr: `(a|bc)+`}, strings.Repeat("bc", 8<<10)+"a", false) // too long to search
	f(&smithy.Pattern{Expr: `[a-c]+`}, strings.Repeat("abc", 1<<20), true)
	if err := (&smithy.Pattern{Expr: `(?!x)`}).Compile(); err == nil {
		t.Error("a lookahead compiles")
	}
	if !(&smithy.Pattern{Expr: `(?!x)`}).Match("x") {
		t.Error("a pattern that does not compile refuses")
	}
}

// FuzzPattern compares with package regexp, whose judgement Match must share.
func FuzzPattern(f *testing.F) {
	for _, expr := range []string{
		`[a-z][a-z0-9_]{0,62}`, `(?i)ab+`, `^(a|b)*$`, `\d{3}-?`, `[^\x00-\x1f]+`, `.*`, `a{2}b{2,}`, `()`, ``, `\pL+`, `(?s).?`,
		`$^`, `a$b`, `(?m)^a$`, `^^a$$`, `[a-z]*?x?`, `(?U)a+`, `ab?c`, `(ab){2}`,
	} {
		f.Add(expr, "ab_1")
		f.Add(expr, "aabb\n")
		f.Add(expr, "é\xff")
	}
	f.Fuzz(func(t *testing.T, expr, s string) {
		re, err := regexp.Compile(`\A(?:` + expr + `)\z`)
		p := smithy.Pattern{Expr: expr}
		if err != nil {
			t.Skip("not an expression")
		}
		if err := p.Compile(); err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		if got, want := p.Match(s), re.MatchString(s); got != want {
			t.Errorf("%q matches %q: got %v, want %v", expr, s, got, want)
		}
		if got, want := p.Match(s), re.MatchString(s); got != want {
			t.Errorf("%q matches %q again: got %v, want %v", expr, s, got, want)
		}
	})
}
