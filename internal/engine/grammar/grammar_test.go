package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// testVocab is a vocabulary of plain texts.
type testVocab struct {
	pieces  [][]byte
	control map[int32]bool
	ends    []int32
}

func (v *testVocab) Size() int             { return len(v.pieces) }
func (v *testVocab) Piece(id int32) []byte { return v.pieces[id] }
func (v *testVocab) Control(id int32) bool { return v.control[id] }
func (v *testVocab) Ends() []int32         { return v.ends }

const (
	endToken  = 256
	callToken = 257
)

// smallVocab has every byte, an end token, a control token and the given texts.
func smallVocab(texts ...string) *testVocab {
	v := &testVocab{control: map[int32]bool{endToken: true, callToken: true}, ends: []int32{endToken}}
	for b := range 256 {
		v.pieces = append(v.pieces, []byte{byte(b)})
	}
	v.pieces = append(v.pieces, []byte("<end>"), []byte("<call>"))
	for _, s := range texts {
		v.pieces = append(v.pieces, []byte(s))
	}
	return v
}

// jsonPieces are tokens that cross the borders of JSON's elements.
var jsonPieces = []string{
	`{"`, `":`, `": "`, `",`, `", "`, `"}`, `"},`, `}}`, `]}`, `[[`, `[{"`, `},{`, ` {"`, `: `, `, `, `,"`, "\n", "\n  ", "  \"", "    ",
	"true", "false", "null", " null", "nul", "ll}", "12", "123", "0.", ".5", "e+", "E-1", "-1", "1,", "1]", "00", "a", "ab", "name", `name"`, `"name"`, `"name":`,
	"é", "\xc3", "\xa9x", "\xf0\x9f", "\x98\x80", "😀", `\`, `\"`, `\u`, `\u00`, `d83d`, `\ude0`, `\n`, `\\`, "u0041", "  ", "\t", "\n\t", `""`, `"" `, `"a"`, "\"\n}", "x\"", "日本", `"日`,
	"[]", "{}", "{ }", "[1", "2024-", "-01", "T10:", ":00Z", "@", ".com", "<call>", "<", "call>", "end", " ",
}

func bitsOf(v Vocab) []uint64 { return make([]uint64, (v.Size()+63)/64) }

func hasBit(bits []uint64, id int32) bool { return bits[id>>6]>>(id&63)&1 == 1 }

// allowed lists the tokens of a mask.
func allowed(bits []uint64) []int32 {
	var ids []int32
	for id := range int32(len(bits) * 64) {
		if hasBit(bits, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// bruteForce tries every token on a clone.
func bruteForce(s *State, v Vocab) []int32 {
	var ids []int32
	for id := range int32(v.Size()) {
		if s.Clone().Accept(id) == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

func mustCompile(t *testing.T, c *Compiler, r Rule) *Grammar {
	t.Helper()
	g, err := c.Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// walkRandom generates a text with tokens drawn from the mask; from steps on it
// prefers to end. check is called with every state and its mask.
func walkRandom(t *testing.T, g *Grammar, v Vocab, random *rand.Rand, steps int, check func(*State, []uint64)) (string, bool) {
	t.Helper()
	s := g.Start()
	bits := bitsOf(v)
	var text []byte
	for i := range steps * 4 {
		if err := s.Mask(bits); err != nil {
			t.Fatalf("behind %q: %v", text, err)
		}
		check(s, bits)
		ids := allowed(bits)
		id := ids[random.IntN(len(ids))]
		if (i > steps || random.IntN(8) == 0) && s.Complete() {
			return string(text), true
		}
		if i > steps { // close what is open
			for _, c := range []string{`"`, "}", "]"} {
				if hasBit(bits, int32(c[0])) {
					id = int32(c[0])
				}
			}
		}
		if err := s.Accept(id); err != nil {
			t.Fatalf("behind %q the mask allows %d %q: %v", text, id, v.Piece(id), err)
		}
		if slices.Contains(v.Ends(), id) {
			return string(text), true
		}
		text = append(text, v.Piece(id)...)
	}
	return string(text), s.Complete()
}

func TestAnyJSON(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	g := mustCompile(t, NewCompiler(v), JSONValue())
	random := rand.New(rand.NewPCG(1, 1))
	ended := 0
	for range 300 {
		text, ok := walkRandom(t, g, v, random, 40, func(s *State, bits []uint64) {
			if random.IntN(4) > 0 {
				return
			}
			if got, want := allowed(bits), bruteForce(s, v); !slices.Equal(got, want) {
				t.Fatalf("mask %v, brute force %v", pieces(v, got), pieces(v, want))
			}
		})
		if !ok {
			continue
		}
		ended++
		if !json.Valid([]byte(text)) {
			t.Fatalf("not JSON: %q", text)
		}
	}
	if ended < 100 {
		t.Errorf("only %d of 300 walks ended", ended)
	}
}

func pieces(v Vocab, ids []int32) string {
	var out []string
	for _, id := range ids {
		out = append(out, string(v.Piece(id)))
	}
	return fmt.Sprintf("%q", out)
}

// read feeds text to s in tokens that are drawn from those that spell it.
func read(s *State, v Vocab, text string, random *rand.Rand) error {
	bits := bitsOf(v)
	for at := 0; at < len(text); {
		if err := s.Mask(bits); err != nil {
			return fmt.Errorf("behind %q: %w", text[:at], err)
		}
		var fit []int32
		for id := range int32(v.Size()) {
			p := v.Piece(id)
			if len(p) > 0 && !v.Control(id) && strings.HasPrefix(text[at:], string(p)) {
				fit = append(fit, id)
			}
		}
		id := fit[random.IntN(len(fit))]
		if !hasBit(bits, id) {
			return fmt.Errorf("behind %q: %q is not in the mask", text[:at], v.Piece(id))
		}
		if err := s.Accept(id); err != nil {
			return fmt.Errorf("behind %q: %w", text[:at], err)
		}
		at += len(v.Piece(id))
	}
	if !s.Complete() {
		return errors.New("not complete")
	}
	return nil
}

func TestReadJSON(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	g := mustCompile(t, NewCompiler(v), JSONValue())
	random := rand.New(rand.NewPCG(1, 1))
	for _, text := range []string{
		`{}`, `[]`, `{ }`, `""`, `"é😀日本\n\u00e9\ud83d\ude00\\\"\/"`, `{"a": 1, "b": [1, 2.5e+10, -0.5E-7], "c": {"d": null}}`,
		"{\n  \"a\": [\n    1,\n    true\n  ],\n  \"b\": {}\n}", `[[],[[]],{}]`, `0`, `-0`, `1e5`, `123456789012`, `{"a":{"b":{"c":[false]}}}`,
	} {
		for range 20 {
			if err := read(g.Start(), v, text, random); err != nil {
				t.Errorf("%q: %v", text, err)
				break
			}
		}
	}
	for _, text := range []string{
		`{`, `{"a"}`, `{a:1}`, `[1,]`, `{"a":1,}`, `01`, `1.`, `.5`, `+1`, `"`, "\"\n\"", `"\x"`, `"\ud83d"`, `"\ude00"`, "\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"",
		`nul`, `True`, ` {}`, `{} `, `[1 ,2]`, `"\ud83d\u0041"`, "[\n\n1]", `1e999`, `tru`,
	} {
		if err := read(g.Start(), v, text, random); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestCombinators(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	random := rand.New(rand.NewPCG(1, 1))
	f := func(name string, r Rule, valid, invalid []string) {
		t.Helper()
		g := mustCompile(t, c, r)
		for _, text := range valid {
			if err := read(g.Start(), v, text, random); err != nil {
				t.Errorf("%s: %q: %v", name, text, err)
			}
		}
		for _, text := range invalid {
			if err := read(g.Start(), v, text, random); err == nil {
				t.Errorf("%s: %q is accepted", name, text)
			}
		}
		for range 20 {
			walkRandom(t, g, v, random, 15, func(s *State, bits []uint64) {
				if got, want := allowed(bits), bruteForce(s, v); !slices.Equal(got, want) {
					t.Fatalf("%s: mask %v, brute force %v", name, pieces(v, got), pieces(v, want))
				}
			})
		}
	}
	f("literal", Literal("abc"), []string{"abc"}, []string{"", "ab", "abcd"})
	f("empty", Seq(), []string{""}, []string{"a"})
	f("choice", Choice(Literal("ab"), Literal("abc"), Literal("x")), []string{"ab", "abc", "x"}, []string{"a", "abx"})
	f("optional", Seq(Optional(Literal("a")), Optional(Literal("b")), Optional(Literal("a"))), []string{"", "a", "b", "ab", "aba", "aa"}, []string{"bb", "abab"})
	f("repeat", Repeat(Literal("ab"), 1, 3, Literal(",")), []string{"ab", "ab,ab", "ab,ab,ab"}, []string{"", "ab,", "ab,ab,ab,ab"})
	f("many", Repeat(Choice(Literal("a"), Literal("12")), 0, -1, Seq()), []string{"", "a", "1212a12"}, []string{"1", "ab"})
	f("nested", Repeat(Seq(Literal("["), Repeat(Literal("a"), 0, 2, Literal(",")), Literal("]")), 2, 2, Seq()), []string{"[][]", "[a,a][a]"}, []string{"[]", "[a,a,a][]"})
	f("text", Text(), []string{"", "anything", "é\n"}, nil)
	f("until", Seq(Text("</a>", "<b"), Literal("x")), []string{"foo</a>x", "<<bx", "</</a>x"}, []string{"foo</a>", "<b<bx", "foox"})
	f("without", TextWithout("aba"), []string{"", "ab", "abba", "<end"}, []string{"aba", "ababa"})
	f("text then", Seq(TextWithout("<c>"), Optional(Seq(Literal("<c>"), JSONObject(), Literal("</c>")))),
		[]string{"", "hi", "hi <c", `hi <c>{"a": [1]}</c>`, `<c>{}</c>`}, []string{"hi<c>", "<c>{}", "<c>[]</c>", "<c>{}</c> more"})
	f("two texts", Seq(Text(), Literal("b"), Text()), []string{"b", "abba"}, []string{"aaa"})
	f("value", Seq(Literal("<"), JSONValue(), Literal(">")), []string{"<1>", "<[1, {}]>"}, []string{"<>", "<1"})

	g := mustCompile(t, c, Seq(TextWithout(), Optional(Seq(Token(callToken), JSONObject()))))
	s := g.Start()
	for _, id := range []int32{'h', 'i', callToken, '{', '}'} {
		if err := s.Accept(id); err != nil {
			t.Fatalf("token %d: %v", id, err)
		}
	}
	if !s.Done() {
		t.Error("not done behind the call")
	}
	if err := s.Accept(endToken); err != nil {
		t.Error(err)
	}
	if err := s.Accept('a'); !errors.Is(err, ErrEnded) {
		t.Errorf("behind the end: %v", err)
	}
	if err := g.Start().Accept(5000); !errors.Is(err, ErrRefused) {
		t.Errorf("an unknown token: %v", err)
	}
}

func TestCombinatorErrors(t *testing.T) {
	t.Parallel()
	c := NewCompiler(smallVocab())
	deep := Literal("a")
	for range 1000 {
		deep = Seq(deep)
	}
	for _, r := range []Rule{
		Choice(), Repeat(Seq(), 0, -1, Seq()), Repeat(Optional(Literal("a")), 1, 2, Seq()), Repeat(Text(), 1, 2, Seq()),
		Repeat(Literal("a"), 3, 2, Seq()), Repeat(Literal("a"), -1, 2, Seq()), Token(-1), Token(1 << 20), Text(""), Text(strings.Repeat("x", 5000)), deep,
		Literal(strings.Repeat("x", 1<<20)), Repeat(Literal("a"), 1_000_000_000, -1, Seq()),
	} {
		if _, err := c.Compile(r); err == nil {
			t.Errorf("%+v compiles", r.kind)
		}
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	v := smallVocab("[[", "[[[[", "]]", `{"a":`, `[{"a":`)
	g := mustCompile(t, NewCompiler(v), JSONValue())
	s := g.Start()
	bits := bitsOf(v)
	open := 0
	for ; ; open++ {
		if err := s.Mask(bits); err != nil {
			t.Fatal(err)
		}
		if open%5 == 0 || open > maxDepth-12 {
			if got, want := allowed(bits), bruteForce(s, v); !slices.Equal(got, want) {
				t.Fatalf("depth %d: mask %v, brute force %v", open, pieces(v, got), pieces(v, want))
			}
		}
		if !hasBit(bits, '[') {
			break
		}
		if err := s.Accept('['); err != nil {
			t.Fatal(err)
		}
	}
	if open < maxDepth/2 || open > maxDepth {
		t.Errorf("got %d levels, want about %d", open, maxDepth)
	}
	for range open {
		if err := s.Accept(']'); err != nil {
			t.Fatal(err)
		}
	}
	if !s.Done() {
		t.Error("not done")
	}
}
