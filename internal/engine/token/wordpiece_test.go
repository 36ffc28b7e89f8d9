package token

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
)

// golden holds what the reference implementation answers; tools/goldens/tokens.py
// writes it.
type golden struct {
	Texts []struct {
		Text string  `json:"text"`
		IDs  []int32 `json:"ids"`
	} `json:"texts"`
	Pairs []struct {
		First  string  `json:"first"`
		Second string  `json:"second"`
		Limit  int     `json:"limit"`
		IDs    []int32 `json:"ids"`
		Types  []int32 `json:"types"`
	} `json:"pairs"`
}

func readGolden(t *testing.T, name string) (g golden) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Texts) < 50 || len(g.Pairs) < 30 {
		t.Fatalf("%d texts and %d pairs in the golden file", len(g.Texts), len(g.Pairs))
	}
	return g
}

func compare(t *testing.T, w *WordPiece, g golden) {
	t.Helper()
	for _, x := range g.Texts {
		e := w.Encode(x.Text, 0)
		if diff := cmp.Diff(x.IDs, e.IDs); diff != "" {
			t.Errorf("%q (-want +got): %s", x.Text, diff)
		}
		if e.Types != nil || e.Tokens != len(x.IDs)-2 {
			t.Errorf("%q: types %v, %d tokens", x.Text, e.Types, e.Tokens)
		}
	}
	for _, x := range g.Pairs {
		e := w.EncodePair(x.First, x.Second, x.Limit)
		if e.Types == nil {
			e.Types = make([]int32, len(e.IDs))
		}
		if !slices.Equal(e.IDs, x.IDs) || !slices.Equal(e.Types, x.Types) {
			t.Errorf("%q, %q in %d: %v %v, want %v %v", x.First, x.Second, x.Limit, e.IDs, e.Types, x.IDs, x.Types)
		}
	}
}

func parseFile(t testing.TB, name string) *WordPiece {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestLikeTheReference(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"uncased", "cased", "accents"} {
		compare(t, parseFile(t, name), readGolden(t, name))
	}
}

func TestLikeTheReferenceOnMiniLM(t *testing.T) {
	t.Parallel()
	dir := enginetest.MiniLM(t)
	w, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, w, readGolden(t, "minilm"))
}

// TestEveryCodePoint compares normal forms and words with the reference's.
func TestEveryCodePoint(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/codepoints.crc32")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(text), "\n", "")
	n := normalizer{clean: true, chinese: true, strip: true, lower: true}
	for block := range 0x110000 / 256 {
		crc := uint32(0)
		for c := rune(block * 256); c < rune(block*256+256); c++ {
			if !utf8.ValidRune(c) {
				continue
			}
			s := "A" + string(c) + "B"
			crc = crc32.Update(crc, crc32.IEEETable, fmt.Appendf(nil, "%s\n%s\n", n.appendTo(nil, s), strings.Join(words(s), "|")))
		}
		if got := fmt.Sprintf("%08x", crc); got != want[8*block:8*block+8] {
			t.Errorf("code points %x to %x: normal forms or words differ from the reference's", block*256, block*256+255)
		}
	}
}

func words(s string) (out []string) {
	for i := 0; ; {
		start, end, ok := nextWord(s, i)
		if !ok {
			return out
		}
		out = append(out, s[start:end])
		i = end
	}
}

// TestVocabulary reads the older form and wants the same answers.
func TestVocabulary(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/uncased.tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	var f tokenizerFile
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(f.Model.Vocab))
	for s, id := range f.Model.Vocab {
		lines[id] = s
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "vocab.txt") {
		t.Errorf("an empty folder: %v", err)
	}
	write("vocab.txt", strings.Join(lines, "\n")+"\n")
	w, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, w, readGolden(t, "uncased"))
	write("tokenizer_config.json", `{"do_lower_case": false, "strip_accents": null}`)
	if w, err = Load(dir); err != nil || w.norm.lower || w.norm.strip || !w.norm.chinese {
		t.Errorf("cased: %+v, %v", w.norm, err)
	}
	write("vocab.txt", "a\nb\n[UNK]\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "[PAD]") {
		t.Errorf("without special tokens: %v", err)
	}
}

func TestTruncation(t *testing.T) {
	t.Parallel()
	w := parseFile(t, "uncased")
	const text = "the man who sold the world"
	whole := w.Encode(text, 0)
	for limit := range len(whole.IDs) + 3 {
		if limit == 0 {
			continue
		}
		e := w.Encode(text, limit)
		want := slices.Clone(whole.IDs)
		if limit < len(want) {
			want = append(want[:max(limit, 2)-1], want[len(want)-1])
		}
		if !slices.Equal(e.IDs, want) || e.Tokens != whole.Tokens {
			t.Errorf("limit %d: %v of %d, want %v of %d", limit, e.IDs, e.Tokens, want, whole.Tokens)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const rest = `"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"}`
	f := func(text, want string) {
		t.Helper()
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%.100s) = %v, want %q", text, err, want)
		}
	}
	f(``, "end of JSON")
	f(`{}`, `the model ""`)
	f(`{"model":{"type":"BPE","vocab":{},"merges":[]}}`, `the model "BPE"`)
	f(`{"model":{"type":"WordPiece"}}`, "normalizer null")
	f(`{"model":{"type":"WordPiece"},"normalizer":{"type":"NFC"}}`, `normalizer "NFC"`)
	f(`{"model":{"type":"WordPiece"},"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"ByteLevel"}}`, `"ByteLevel"`)
	f(`{"model":{"type":"WordPiece","vocab":{}},`+rest+`}`, "0 tokens")
	f(`{"model":{"type":"WordPiece","vocab":{"a":-1}},`+rest+`}`, "ID -1")
	f(`{"model":{"type":"WordPiece","vocab":{"a":1000000000}},`+rest+`}`, "ID 1000000000")
	f(`{"model":{"type":"WordPiece","vocab":{"a":1},"unk_token":"u"},`+rest+`}`, `unknown token "u"`)
	f(`{"model":{"type":"WordPiece","vocab":{"u":1},"unk_token":"u"},`+rest+`,"post_processor":{"type":"ByteLevel"}}`, `"ByteLevel"`)
	f(`{"model":{"type":"WordPiece","vocab":{"u":1},"unk_token":"u"},`+rest+`,"post_processor":{"type":"BertProcessing","cls":["[CLS]",5],"sep":["[SEP]",0]}}`, "special token 5")
	f(`{"model":{"type":"WordPiece","vocab":{"u":1},"unk_token":"u"},`+rest+`,"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"C"}}]}}`, "means nothing")
	f(`{"model":{"type":"WordPiece","vocab":{"u":1},"unk_token":"u"},`+rest+`,"added_tokens":[{"id":-5,"content":"x"}]}`, "ID -5")
}

// FuzzEncode gives any text to the tokenizers: IDs stay in the vocabulary, and the
// normal form of a normal form is itself.
func FuzzEncode(f *testing.F) {
	ws := []*WordPiece{parseFile(f, "uncased"), parseFile(f, "accents")}
	for _, s := range []string{"", "Hello [SEP] wörld", "\xff\xfe", "the man the end", "İ\u0301中"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, w := range ws {
			for _, limit := range []int{0, 1, 7} {
				e := w.Encode(s, limit)
				if limit > 2 && len(e.IDs) > limit {
					t.Errorf("%d tokens, limit %d", len(e.IDs), limit)
				}
				for _, id := range e.IDs {
					if id < 0 || int(id) >= w.Size() {
						t.Errorf("ID %d of %d", id, w.Size())
					}
				}
			}
			if e := w.EncodePair(s, "b "+s, 9); len(e.IDs) > 9 {
				t.Errorf("%d tokens in a pair", len(e.IDs))
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/accents.tokenizer.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"model":{"type":"WordPiece","vocab":{"u":1},"unk_token":"u"},"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"}}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		if w, err := Parse(text); err == nil {
			w.Encode("any text [SEP] at all", 8) // must not panic
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	w := parseFile(b, "uncased")
	text := strings.Repeat("The quick brown fox jumps over the lazy dog; it didn't stop. Žluťoučký kůň. ", 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		w.Encode(text, 256)
	}
}

// TestWordPieceFromTable wants the same answers of the table that a converter makes.
func TestWordPieceFromTable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"uncased", "cased"} {
		text, err := os.ReadFile("testdata/" + name + ".tokenizer.json")
		if err != nil {
			t.Fatal(err)
		}
		var f tokenizerFile
		if err := json.Unmarshal(text, &f); err != nil {
			t.Fatal(err)
		}
		table := &Table{Model: "bert", Tokens: make([]string, len(f.Model.Vocab)), BOS: -1, EOS: -1, Unknown: -1, Padding: -1}
		for s, id := range f.Model.Vocab {
			if inner, ok := strings.CutPrefix(s, "##"); ok {
				s = inner
			} else if s[0] != '[' || s[len(s)-1] != ']' {
				s = sentencePieceMark + s
			}
			table.Tokens[id] = s
		}
		w, err := WordPieceFromTable(table)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, w, readGolden(t, name))
		table.Tokens = table.Tokens[5:]
		if _, err := WordPieceFromTable(table); err == nil {
			t.Error("a table without special tokens is read")
		}
		table.Model = "gpt2"
		if _, err := WordPieceFromTable(table); err == nil {
			t.Error("another model is read")
		}
	}
}
