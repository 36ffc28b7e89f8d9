package grammar

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

const orderSchema = `{"type":"object","properties":{"name":{"type":"string","maxLength":20},"tags":{"type":"array","items":{"enum":["a","bc"]},"maxItems":3},"n":{"type":"integer","minimum":0}},"required":["name","tags"]}`

func TestClone(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	g := mustCompile(t, NewCompiler(v), Schema(json.RawMessage(orderSchema)))
	random := rand.New(rand.NewPCG(3, 3))
	s := g.Start()
	bits := bitsOf(v)
	for range 60 {
		if err := s.Mask(bits); err != nil {
			t.Fatal(err)
		}
		want := allowed(bits)
		for range 3 { // whatever becomes of clones, s stays
			c := s.Clone()
			for range 5 {
				if c.Mask(bits) != nil || c.Accept(allowed(bits)[random.IntN(len(allowed(bits)))]) != nil {
					break
				}
			}
		}
		if err := s.Mask(bits); err != nil {
			t.Fatal(err)
		}
		if got := allowed(bits); !slices.Equal(got, want) {
			t.Fatalf("a clone changed its origin: %v, want %v", pieces(v, got), pieces(v, want))
		}
		if err := s.Accept(callToken); !errors.Is(err, ErrRefused) {
			t.Fatalf("a control token: %v", err)
		}
		if err := s.Accept(want[random.IntN(len(want))]); err != nil {
			t.Fatal(err)
		}
		if s.Done() {
			s = g.Start()
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 3))
			for j := range 30 {
				x := schemaCases[(i+j)%len(schemaCases)]
				if j%3 == 0 {
					x.schema = orderSchema
				}
				g, err := c.Compile(Schema(json.RawMessage(x.schema)))
				if err != nil {
					t.Errorf("%s: %v", x.schema, err)
					continue
				}
				s := g.Start()
				bits := bitsOf(v)
				for range 30 {
					if s.Mask(bits) != nil {
						break
					}
					ids := allowed(bits)
					if err := s.Accept(ids[random.IntN(len(ids))]); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestStoreForgets(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	c.masks.most = 4096 // a few masks
	g := mustCompile(t, c, Schema(json.RawMessage(orderSchema)))
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		text := generate(t, g, v, random, 30)
		if !json.Valid([]byte(text)) {
			t.Fatalf("not JSON: %s", text)
		}
		if c.masks.bytes > c.masks.most {
			t.Fatalf("the store holds %d bytes, its limit is %d", c.masks.bytes, c.masks.most)
		}
	}
}

func TestShortest(t *testing.T) {
	t.Parallel()
	v := smallVocab(`"}`, `":`, `[]}`)
	c := NewCompiler(v)
	f := func(rule Rule, begin, want string) {
		t.Helper()
		s := mustCompile(t, c, rule).Start()
		for i := range len(begin) {
			if err := s.Accept(int32(begin[i])); err != nil {
				t.Fatalf("%q at %d: %v", begin, i, err)
			}
		}
		var got strings.Builder
		for _, id := range s.Shortest() {
			if err := s.Accept(id); err != nil {
				t.Errorf("%q: %v", begin, err)
			}
			got.Write(v.Piece(id))
		}
		if got.String() != want {
			t.Errorf("behind %q: got %q, want %q", begin, got.String(), want)
		}
		if !s.Complete() {
			t.Errorf("behind %q%s: not complete", begin, got.String())
		}
	}
	order := Schema(json.RawMessage(orderSchema))
	f(order, ``, `{"name":"","tags":[]}`)
	f(order, `{"name": "ab\u00`, `ff","tags":[]}`)
	f(order, `{"name":"a","tags":["b`, `c"]}`)
	f(order, `{"name":"a","tags":[]}`, ``)
	f(Schema(json.RawMessage(`{"type":"array","minItems":3,"items":{"type":"string","minLength":2}}`)), `["x`, `a","aa","aa"]`)
	f(Schema(json.RawMessage(`{"type":"string","pattern":"^(\\d{3}|x)$"}`)), `"`, `x"`)
	f(JSONValue(), `[[{"a":[`, `]}]]`)
	f(JSONValue(), `{"a":-`, `1}`)
	f(Seq(Text("</x>"), Literal("!")), `ab</`, `x>!`)
	f(Seq(Literal("a"), Repeat(Literal("bc"), 2, -1, Literal(","))), `a`, `bc,bc`)
	f(Schema(json.RawMessage(`{"type":"object","minProperties":2,"properties":{"long":{"type":"string","minLength":9},"a":{"type":"null"},"b":{"type":"null"}}}`)), ``, `{"a":null,"b":null}`)

	s := mustCompile(t, c, Seq(Literal("ab"), Token(callToken), Literal("c"))).Start()
	if got, want := s.Shortest(), []int32{'a', 'b', callToken, 'c'}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStuck(t *testing.T) {
	t.Parallel()
	v := &testVocab{pieces: [][]byte{[]byte("a"), []byte("<end>")}, control: map[int32]bool{1: true}, ends: []int32{1, 99, -5}}
	g := mustCompile(t, NewCompiler(v), Literal("ab"))
	s := g.Start()
	bits := bitsOf(v)
	if err := errors.Join(s.Mask(bits), s.Accept(0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Mask(bits); !errors.Is(err, ErrStuck) {
		t.Errorf("got %v, want ErrStuck", err)
	}
	if got := s.Shortest(); got != nil {
		t.Errorf("got %v, want nothing: the vocabulary has no b", got)
	}
	if err := s.Mask(nil); err == nil {
		t.Error("a mask without room is accepted")
	}
}

// TestDeepSchemas opens what can be opened: at every depth the text can be completed.
func TestDeepSchemas(t *testing.T) {
	t.Parallel()
	v := smallVocab(`{"`, `[[`, `[{"`, `{"v":0,"`, `":[{`, `[[[[`)
	c := NewCompiler(v)
	for _, schema := range []string{
		`{"type":"object","properties":{"v":{"type":"integer"},"k":{"type":"array","items":{"$ref":"#"}}},"required":["v"]}`,
		`{"anyOf":[{"type":"integer"},{"type":"array","items":{"$ref":"#"},"minItems":2}]}`,
		`{"type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"required":["a"],"$defs":{"b":{"type":"array","prefixItems":[{"type":"object","properties":{"x":{"$ref":"#"}}}],"minItems":1}}}`,
		`{"type":"object","additionalProperties":{"$ref":"#"},"maxProperties":2}`,
		`{"type":"object","minProperties":2,"properties":{"a":{"type":"null"},"b":{"anyOf":[{"$ref":"#"},{"type":"null"}]},"c":{"type":"null"}}}`,
		`{"type":"object","properties":{"a":{"anyOf":[{"$ref":"#"},{"type":"array","items":{"$ref":"#"}}]},"b":{"type":"array","items":{"$ref":"#"},"minItems":1,"maxItems":1}}}`,
	} {
		g := mustCompile(t, c, Schema(json.RawMessage(schema)))
		random := rand.New(rand.NewPCG(1, 1))
		deepest := 0
		for range 4 {
			s, text, bits := g.Start(), "", bitsOf(v)
			for step := range 900 {
				if err := s.Mask(bits); err != nil {
					t.Fatalf("%s behind %s: %v", schema, text, err)
				}
				ids := allowed(bits)
				if step%25 == 0 || strings.Count(text, "[")+strings.Count(text, "{") > 80 && step%10 == 0 {
					if want := bruteForce(s, v); !slices.Equal(ids, want) {
						t.Fatalf("%s behind %s: mask %s, brute force %s", schema, text, pieces(v, ids), pieces(v, want))
					}
					end := s.Clone()
					for _, id := range s.Shortest() {
						if err := end.Accept(id); err != nil {
							t.Fatalf("%s behind %s: %v", schema, text, err)
						}
					}
					if !end.Complete() {
						t.Fatalf("%s behind %s: not completed", schema, text)
					}
				}
				id := ids[random.IntN(len(ids))]
				for _, open := range ids { // open whenever possible, close only when nothing else is
					if p := string(v.Piece(open)); strings.ContainsAny(p, "[{") && random.IntN(3) > 0 || strings.ContainsAny(string(v.Piece(id)), "]}") {
						id = open
					}
				}
				if id == endToken || s.Accept(id) != nil {
					break
				}
				text += string(v.Piece(id))
				deepest = max(deepest, strings.Count(text, "[")+strings.Count(text, "{")-strings.Count(text, "]")-strings.Count(text, "}"))
			}
		}
		t.Logf("%d levels: %s", deepest, schema)
	}
}
