package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// golden holds the words of the reference implementation; tools/goldens/patterns.py
// writes it.
type golden struct {
	Texts    []string `json:"texts"`
	Patterns map[string]struct {
		Expr       string  `json:"expr"`
		Words      [][]int `json:"words"` // their lengths
		Codepoints string  `json:"codepoints"`
	} `json:"patterns"`
}

func readGolden(tb testing.TB) (g golden) {
	tb.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		tb.Fatal(err)
	}
	if len(g.Texts) < 200 || len(g.Patterns) < 10 {
		tb.Fatalf("%d texts and %d patterns in the golden file", len(g.Texts), len(g.Patterns))
	}
	return g
}

// general compiles an expression without its scanner.
func general(tb testing.TB, expr string) *Pattern {
	tb.Helper()
	p := &Pattern{t: tables()}
	if err := p.compile(expr); err != nil {
		tb.Fatal(err)
	}
	return p
}

// both returns the pattern as users get it and as the general matcher has it.
func both(tb testing.TB, expr string) []*Pattern {
	tb.Helper()
	p, err := Compile(expr)
	if err != nil {
		tb.Fatal(err)
	}
	if p.Whole() == nil {
		return []*Pattern{p}
	}
	return []*Pattern{p, general(tb, expr)}
}

func lengths(p *Pattern, s string) (out []int) {
	p.Split(s, func(part string, _ bool) { out = append(out, len(part)) })
	return out
}

func TestLikeTheReference(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	for name, x := range g.Patterns {
		for i, p := range both(t, x.Expr) {
			for k, text := range g.Texts {
				if got := lengths(p, text); !slices.Equal(got, x.Words[k]) {
					t.Errorf("%s (%d), %q: words of %v bytes, want %v", name, i, text, got, x.Words[k])
				}
			}
		}
	}
}

func TestScannersAreTaken(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	for _, name := range []string{"gpt2", "llama3", "qwen2", "qwen marks", "gpt4o", "tekken"} {
		if p, err := Compile(g.Patterns[name].Expr); err != nil || p.Whole() == nil {
			t.Errorf("%s: no scanner, %v", name, err)
		}
	}
}

// everyCodePoint returns texts with each character beside letters, digits, spaces and
// itself, for blocks of 4096 characters.
func everyCodePoint() map[rune][]string {
	const size, few = 0x1000, 64
	blocks := []rune{0xe0, 0xff, 0x10f} // elsewhere, nothing is assigned
	for block := range rune(0x33) {
		blocks = append(blocks, block)
	}
	texts := map[rune][]string{}
	for _, block := range blocks {
		for from := block * size; from < block*size+size; from += few {
			var text []byte
			for c := from; c < from+few; c++ {
				if utf8.ValidRune(c) {
					text = fmt.Appendf(text, "a%[1]cB %[1]c1\n%[1]c%[1]c '%[1]c A%[1]ca%[1]c's %[1]c\n", c)
				}
			}
			texts[block] = append(texts[block], string(text))
		}
	}
	return texts
}

func TestEveryCodePoint(t *testing.T) {
	t.Parallel()
	blocks := everyCodePoint()
	order := slices.Sorted(maps.Keys(blocks))
	for name, x := range readGolden(t).Patterns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, p := range both(t, x.Expr) {
				for n, block := range order {
					crc := uint32(0)
					for _, text := range blocks[block] {
						var words []byte
						p.Split(text, func(part string, _ bool) { words = append(words, byte(len(part))) })
						crc = crc32.Update(crc, crc32.IEEETable, words)
					}
					if got := fmt.Sprintf("%08x", crc); got != x.Codepoints[8*n:8*n+8] {
						t.Errorf("(%d) code points %x000 to %xfff: words differ from the reference's", i, block, block)
					}
				}
			}
		})
	}
}

func TestNotImplemented(t *testing.T) {
	t.Parallel()
	f := func(expr, what string) {
		t.Helper()
		_, err := Compile(expr)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.What, what) {
			t.Errorf("Compile(%.60q) = %v, want %q", expr, err, what)
		}
	}
	f(`(a*)*`, "a repeated group")
	f(`(ab){2}`, "a repeated group")
	f(`a*?`, "a lazy repetition")
	f(`(a)??`, "a lazy or possessive group")
	f(`a{2}{3}`, "a repetition of a repetition")
	f(`a{3,2}`, "the repetition")
	f(`a{99999}`, "the repetition")
	f(`a{`, "the repetition")
	f(`\p{Han}`, `\\p{Han}`)
	f(`\pL`, `\\pL`)
	f(`\w+`, `\w`)
	f(`^a`, `'^' here`)
	f(`a$`, `'$' here`)
	f(`*`, `'*' here`)
	f(`(?<=a)b`, "the group")
	f(`(a`, "a group without end")
	f(`a)`, "closes nothing")
	f(`[a`, "a set without end")
	f(`[a&&b]`, `"&&" in a set`)
	f(`[[:alpha:]]`, `"[:" in a set`)
	f(`[z-a]`, "such a range")
	f(`\`, "a backslash")
	f(`\u12`, "")
	f(`(?i:\p{Lu})`, "a category without case")
	f("\xff", "no UTF-8")
	f(strings.Repeat("(", 1000), "deep")
	f(strings.Repeat("a", 1<<15), "so long")
}

// TestHostile wants an end in time whatever the expression does.
func TestHostile(t *testing.T) {
	t.Parallel()
	p := general(t, `a*a*a*a*a*a*b|a*c`)
	text := strings.Repeat("a", 1<<16)
	n := 0
	p.Split(text, func(part string, _ bool) { n += len(part) })
	if n != len(text) {
		t.Errorf("%d bytes of %d", n, len(text))
	}
}

// FuzzScanners holds the scanners to the general matcher.
func FuzzScanners(f *testing.F) {
	g := readGolden(f)
	for _, text := range g.Texts {
		f.Add(text)
	}
	var pairs [][]*Pattern
	for _, expr := range []string{GPT2, Llama3, Qwen2, Qwen35, GPT4o, Tekken} {
		pairs = append(pairs, both(f, expr))
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, pair := range pairs {
			got, want := lengths(pair[0], s), lengths(pair[1], s)
			if !slices.Equal(got, want) {
				t.Errorf("%q: words of %v bytes, the general matcher has %v", s, got, want)
			}
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, x := range readGolden(f).Patterns {
		f.Add(x.Expr, "It's 12345 über\n\n  x")
	}
	f.Fuzz(func(t *testing.T, expr, s string) {
		p := &Pattern{t: tables()}
		if p.compile(expr) != nil {
			return
		}
		joined := ""
		p.Split(s, func(part string, _ bool) { joined += part })
		if joined != s {
			t.Errorf("%q cuts %q to %q", expr, s, joined)
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over 123 lazy dogs; it didn't stop.\n\tif (x == 1) { return; }\n", 100)
	for name, expr := range map[string]string{"gpt2": GPT2, "llama3": Llama3, "gpt4o": GPT4o} {
		for i, p := range both(b, expr) {
			b.Run(name+[]string{"", "/general"}[i], func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					p.Split(text, func(string, bool) {})
				}
			})
		}
	}
}
