package token

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// families are the tokenizers in testdata/codec; tools/goldens/codecs.py writes them
// and what the reference implementation answers.
func families() []string {
	return []string{"gpt2", "llama3", "qwen2", "smollm", "deepseek", "tekken", "llama2", "mistral", "gemma", "t5", "xlmr", "bytes"}
}

// codecGolden is what the reference answers to the texts.
type codecGolden struct {
	IDs     [][]int32      `json:"ids"`
	Texts   map[int]string `json:"texts"` // the decoded ones, where they are not the texts
	Decoded []struct {
		IDs  []int32 `json:"ids"`
		Text string  `json:"text"`
	} `json:"decoded"`
}

func readCodecFile(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "codec", name))
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func readCodecJSON(tb testing.TB, name string, to any) {
	tb.Helper()
	if err := json.Unmarshal(readCodecFile(tb, name), to); err != nil {
		tb.Fatal(err)
	}
}

func codecTexts(tb testing.TB) (texts []string) {
	tb.Helper()
	readCodecJSON(tb, "texts.json", &texts)
	if len(texts) < 200 {
		tb.Fatalf("%d texts", len(texts))
	}
	return texts
}

func parseCodec(tb testing.TB, name string) *Codec {
	tb.Helper()
	c, err := ParseCodec(readCodecFile(tb, name+".tokenizer.json"))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestCodecsLikeTheReference(t *testing.T) {
	t.Parallel()
	texts := codecTexts(t)
	for _, name := range families() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := parseCodec(t, name)
			var g codecGolden
			readCodecJSON(t, name+".golden.json", &g)
			if len(g.IDs) != len(texts) || len(g.Decoded) < 50 {
				t.Fatalf("%d answers to %d texts, %d decoded", len(g.IDs), len(texts), len(g.Decoded))
			}
			for i, text := range texts {
				if name == "bytes" && strings.Contains(text, "<0x") {
					continue // the reference makes byte tokens of that text; SentencePiece, and we, don't
				}
				// Twice: the second time, words are known.
				for range 2 {
					if got := c.Encode(nil, Segment{Text: text}); !slices.Equal(got, g.IDs[i]) {
						t.Errorf("%q (-want +got): %s", text, cmp.Diff(g.IDs[i], got))
					}
				}
				want, ok := g.Texts[i]
				if !ok {
					want = text
				}
				if got := c.Decode(g.IDs[i]); got != want {
					t.Errorf("Decode(%v) = %q, want %q", g.IDs[i], got, want)
				}
			}
			for _, x := range g.Decoded {
				if got := c.Decode(x.IDs); got != x.Text && !keepsWhole(c, x.IDs) {
					t.Errorf("Decode(%v) = %q, want %q", x.IDs, got, x.Text)
				}
			}
		})
	}
}

// keepsWhole reports a run of byte tokens that holds both whole characters and broken
// ones, where the decoder keeps the whole ones and the reference does not.
func keepsWhole(c *Codec, ids []int32) bool {
	if !c.spaces.byteTokens {
		return false
	}
	var run []byte
	for _, id := range append(slices.Clone(ids), noToken) {
		if id != noToken && c.kinds[id] == kindByte {
			run = append(run, c.Piece(id)...)
			continue
		}
		if !utf8.Valid(run) && strings.ToValidUTF8(string(run), "") != "" {
			return true
		}
		run = run[:0]
	}
	return false
}

// tableGolden is a table and what SentencePiece answers to the texts.
type tableGolden struct {
	Tokens   []string  `json:"tokens"`
	Scores   []float32 `json:"scores"`
	Types    []int32   `json:"types"`
	Charsmap []byte    `json:"charsmap"`
	IDs      [][]int32 `json:"ids"`
}

func readTable(tb testing.TB, name string) (*Table, [][]int32) {
	tb.Helper()
	var g tableGolden
	readCodecJSON(tb, name+".table.json", &g)
	return &Table{
		Model: name, Tokens: g.Tokens, Scores: g.Scores, Types: g.Types, Charsmap: g.Charsmap,
		BOS: 1, EOS: 2, Unknown: 0, Padding: -1, AddBOS: true, AddSpacePrefix: true, RemoveExtraWhitespaces: name == "t5",
	}, g.IDs
}

func TestTablesLikeSentencePiece(t *testing.T) {
	t.Parallel()
	texts := codecTexts(t)
	for _, name := range []string{"llama", "t5"} {
		table, want := readTable(t, name)
		c, err := FromTable(table)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			// Plain: SentencePiece finds no special tokens in a text.
			got := c.Encode(nil, Segment{Text: text, Plain: true})
			if !slices.Equal(got, want[i]) && !equallyGood(c, table, got, want[i]) {
				t.Errorf("%s, %q (-want +got): %s", name, text, cmp.Diff(want[i], got))
			}
		}
	}
}

// equallyGood reports tokens of one text with the same sum of scores in a unigram
// model, where SentencePiece adds with 32 bits and takes another one of equal ways.
func equallyGood(c *Codec, t *Table, a, b []int32) bool {
	if t.Model != "t5" || c.Decode(a) != c.Decode(b) {
		return false
	}
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestConcurrent encodes the same texts in several goroutines, which share what they
// learn of words.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	texts := codecTexts(t)
	c := parseCodec(t, "gpt2")
	var g codecGolden
	readCodecJSON(t, "gpt2.golden.json", &g)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, text := range texts {
				if got := c.Encode(nil, Segment{Text: text}); !slices.Equal(got, g.IDs[i]) {
					t.Errorf("%q: %v, want %v", text, got, g.IDs[i])
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkCodec(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over 13 lazy dogs; it didn't stop.\n\tif (x == 1) { return err }\n", 100)
	for _, name := range families() {
		c := parseCodec(b, name)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var ids []int32
			for b.Loop() {
				ids = c.Encode(ids[:0], Segment{Text: text})
			}
		})
	}
}

// BenchmarkCodecFile encodes the text at $OUTCROP_TEXT with the tokenizer.json at
// $OUTCROP_TOKENIZER; tools/goldens/benchcodec.py runs it beside the reference.
func BenchmarkCodecFile(b *testing.B) {
	file, input := os.Getenv("OUTCROP_TOKENIZER"), os.Getenv("OUTCROP_TEXT")
	if file == "" || input == "" {
		b.Skip("set OUTCROP_TOKENIZER and OUTCROP_TEXT to files")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	c, err := ParseCodec(text)
	if err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(input)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	var ids []int32
	for b.Loop() {
		ids = c.Encode(ids[:0], Segment{Text: string(data)})
	}
	b.ReportMetric(float64(len(ids)), "tokens")
}
