package grammar

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// largeVocab is a vocabulary of real size. OUTCROP_VOCAB names a file with one token
// in base64 a line; otherwise it is made from the words of Go's own sources.
func largeVocab(tb testing.TB) *testVocab {
	tb.Helper()
	v := smallVocab()
	texts, err := onceVocab()
	if err != nil {
		tb.Skipf("no vocabulary: %v", err)
	}
	for _, text := range texts {
		v.pieces = append(v.pieces, []byte(text))
	}
	return v
}

var onceVocab = sync.OnceValues(func() ([]string, error) {
	if path := os.Getenv("OUTCROP_VOCAB"); path != "" {
		return readVocab(path)
	}
	return sourceVocab(filepath.Join(runtime.GOROOT(), "src"), 128_000) //nolint:staticcheck // the sources that are here
})

func readVocab(path string) ([]string, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var texts []string
	for line := range strings.Lines(string(file)) {
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(b))
	}
	return texts, nil
}

// sourceVocab cuts Go's sources as byte-level tokenizers do and takes the n most
// frequent pieces, and the beginnings of those.
func sourceVocab(root string, n int) ([]string, error) {
	cut := regexp.MustCompile(` ?\pL+| ?\pN{1,3}| ?[^\s\pL\pN]+[\r\n]*|\s*[\r\n]+|\s+`)
	count := map[string]int{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" && filepath.Ext(path) != ".json" || len(count) > n+n/2 {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || len(text) > 1<<18 {
			return err
		}
		for _, w := range cut.FindAllString(string(text), -1) {
			if len(w) > 1 && len(w) < 128 {
				count[w]++
				for i := 2; i < len(w); i++ {
					count[w[:i]]++
				}
			}
		}
		return nil
	})
	words := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	return words[:min(n, len(words))], err
}

type benchCase struct{ name, schema, text string }

// benchCases are schemas as callers have them, with an answer to each.
var benchCases = []benchCase{
	{
		"tool", `{"type":"object","properties":{"city":{"type":"string","description":"where"},"unit":{"type":"string","enum":["celsius","fahrenheit"]},"days":{"type":"integer","minimum":1,"maximum":14}},"required":["city","unit"],"additionalProperties":false}`,
		`{"city": "Frankfurt am Main, on the other side of the river", "unit": "celsius", "days": 7}`,
	},
	{
		"nested", `{"type":"object","properties":{"id":{"type":"string","format":"uuid"},"created":{"type":"string","format":"date-time"},"items":{"type":"array","maxItems":50,"items":{"type":"object","properties":{"name":{"type":"string","maxLength":80},"price":{"type":"number","minimum":0},"tags":{"type":"array","items":{"type":"string","pattern":"^[a-z-]+$"}}},"required":["name","price"]}},"note":{"type":["string","null"]}},"required":["id","created","items"]}`,
		"{\n  \"id\": \"123e4567-e89b-12d3-a456-426614174000\",\n  \"created\": \"2024-02-29T10:11:12Z\",\n  \"items\": [\n    {\"name\": \"A red bicycle with a basket\", \"price\": 129.95, \"tags\": [\"outdoor\", \"second-hand\"]},\n    {\"name\": \"Tea\", \"price\": 3, \"tags\": []}\n  ],\n  \"note\": \"The customer asked for delivery on Monday.\\nCall first.\"\n}",
	},
	{"wide", wideSchema(), `{"property7": "value", "property150": "some more text"}`},
	{"union", unionSchema(), `{"kind": "kind77", "value": "some text", "number": 5}`},
	{"call", `{"type":"object","properties":{"q":{"type":"string"}}}`, "Let me look that up < for you.\n<tool_call>\n{\"q\": \"x\"}\n</tool_call>"},
	{"any", `{"type":"object"}`, `{"a": [1, 2, {"b": "some text, with a comma"}], "c": {"d": null, "e": -1.5e3}}`},
}

// wideSchema has 200 optional properties.
func wideSchema() string {
	var props []string
	for i := range 200 {
		props = append(props, fmt.Sprintf(`"property%d":{"type":"string"}`, i))
	}
	return `{"type":"object","properties":{` + strings.Join(props, ",") + `}}`
}

// unionSchema has 100 kinds of object.
func unionSchema() string {
	var kinds []string
	for i := range 100 {
		kinds = append(kinds, fmt.Sprintf(`{"type":"object","properties":{"kind":{"const":"kind%d"},"value":{"type":"string"},"number":{"type":"integer","minimum":%d}},"required":["kind"]}`, i, i-100))
	}
	return `{"oneOf":[` + strings.Join(kinds, ",") + `]}`
}

func (x *benchCase) rule() Rule {
	schema := Schema(json.RawMessage(x.schema))
	if x.name == "call" {
		return Seq(TextWithout("<tool_call>"), Optional(Seq(Literal("<tool_call>\n"), schema, Literal("\n</tool_call>"))))
	}
	return schema
}

// tokens cuts text into the longest tokens.
func tokens(tb testing.TB, c *Compiler, text string) []int32 {
	tb.Helper()
	ids := c.vocab.cut([]piece{{text: []byte(text)}})
	if ids == nil {
		tb.Fatalf("cannot spell %q", text)
	}
	return ids
}

// BenchmarkMask measures a token's mask and its acceptance, on a vocabulary of real
// size, with a grammar that has been used before. The times of the first use are
// reported too.
func BenchmarkMask(b *testing.B) {
	v := largeVocab(b)
	for _, x := range benchCases {
		b.Run(x.name, func(b *testing.B) {
			begin := time.Now()
			c := NewCompiler(v)
			built := time.Since(begin)
			begin = time.Now()
			g, err := c.Compile(x.rule())
			if err != nil {
				b.Fatal(err)
			}
			compiled := time.Since(begin)
			ids := tokens(b, c, x.text)
			bits := bitsOf(v)
			run := func(each func(time.Duration)) {
				s := g.Start()
				for _, id := range ids {
					begin := time.Now()
					if err := s.Mask(bits); err != nil {
						b.Fatal(err)
					}
					if err := s.Accept(id); err != nil {
						b.Fatal(err)
					}
					each(time.Since(begin))
				}
			}
			var cold, warm []time.Duration
			run(func(d time.Duration) { cold = append(cold, d) })
			tokens := 0
			for b.Loop() {
				run(func(d time.Duration) { warm = append(warm, d) })
				tokens += len(ids)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(tokens), "µs/token")
			b.ReportMetric(micros(warm, 0.5), "µs/p50")
			b.ReportMetric(micros(warm, 0.99), "µs/p99")
			b.ReportMetric(micros(cold, 0.5), "µs/cold-p50")
			b.ReportMetric(micros(cold, 1), "µs/cold-max")
			b.ReportMetric(float64(compiled.Microseconds()), "µs/compile")
			b.ReportMetric(float64(built.Milliseconds()), "ms/vocabulary")
			b.ReportMetric(float64(len(ids)), "tokens")
		})
	}
}

func micros(d []time.Duration, part float64) float64 {
	slices.Sort(d)
	i := min(int(part*float64(len(d))), len(d)-1)
	return float64(d[i].Nanoseconds()) / 1000
}

func TestLargeVocabulary(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: builds a large vocabulary")
	}
	v := largeVocab(t)
	c := NewCompiler(v)
	random := rand.New(rand.NewPCG(1, 1))
	for _, x := range benchCases {
		g, err := c.Compile(x.rule())
		if err != nil {
			t.Fatal(err)
		}
		s := g.Start()
		bits := bitsOf(v)
		for _, id := range tokens(t, c, x.text) {
			if err := s.Mask(bits); err != nil {
				t.Fatal(err)
			}
			for range 200 {
				if id := int32(random.IntN(v.Size())); hasBit(bits, id) != (s.Clone().Accept(id) == nil) {
					t.Fatalf("%s: the mask is wrong about %q", x.name, v.Piece(id))
				}
			}
			if !hasBit(bits, id) {
				t.Fatalf("%s: %q is not allowed", x.name, v.Piece(id))
			}
			if err := s.Accept(id); err != nil {
				t.Fatal(err)
			}
		}
		if !s.Done() {
			t.Errorf("%s: not done behind %s", x.name, strings.TrimSpace(x.text))
		}
	}
}

// BenchmarkNewMask measures the first meeting of a state, the walk over the vocabulary.
func BenchmarkNewMask(b *testing.B) {
	c := NewCompiler(largeVocab(b))
	for _, x := range []struct {
		name string
		rule Rule
	}{
		{"text", Text("<tool_call>")},
		{"string", Schema(json.RawMessage(`{"type":"string"}`))},
		{"short string", Schema(json.RawMessage(`{"type":"string","maxLength":10}`))},
		{"pattern", Schema(json.RawMessage(`{"type":"string","pattern":"^[a-z ]+$"}`))},
		{"email", Schema(json.RawMessage(`{"type":"string","format":"email"}`))},
		{"object", JSONObject()},
	} {
		b.Run(x.name, func(b *testing.B) {
			g, err := c.Compile(x.rule)
			if err != nil {
				b.Fatal(err)
			}
			s := g.Start()
			if x.name != "text" && s.Accept('"') != nil && s.Accept('{') != nil {
				b.Fatal("no way in")
			}
			m := c.machine()
			for b.Loop() {
				for _, p := range s.set {
					m.makeMask(c.vocab, maskKey{p.rule, p.rule.norm(p.st, c.vocab.all.longest), -1}, maxDepth)
				}
			}
		})
	}
}
