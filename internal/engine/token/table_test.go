package token

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// header is the metadata of a GGUF file.
type header map[string]any

func value[T any](h header, key string) (T, bool) {
	x, ok := h[key].(T)
	return x, ok
}

func (h header) String(key string) (string, bool)    { return value[string](h, key) }
func (h header) Int(key string) (int64, bool)        { return value[int64](h, key) }
func (h header) Bool(key string) (bool, bool)        { return value[bool](h, key) }
func (h header) Strings(key string) ([]string, bool) { return value[[]string](h, key) }
func (h header) Ints(key string) ([]int64, bool)     { return value[[]int64](h, key) }
func (h header) Floats(key string) ([]float32, bool) { return value[[]float32](h, key) }

// headerOf makes the header that a converter writes for a tokenizer.json.
func headerOf(tb testing.TB, name, pre string) header {
	tb.Helper()
	var f codecFile
	readCodecJSON(tb, name+".tokenizer.json", &f)
	tokens, err := f.Model.words()
	if err != nil {
		tb.Fatal(err)
	}
	types := make([]int64, len(tokens))
	for i := range types {
		types[i] = int64(kindNormal)
	}
	for _, t := range f.Added {
		tokens = append(tokens, t.Content)
		types = append(types, map[bool]int64{true: int64(kindControl), false: int64(kindUser)}[t.Special])
	}
	var lines []string
	for _, m := range f.Model.Merges {
		lines = append(lines, m.left+" "+m.right)
	}
	return header{
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre, "tokenizer.ggml.tokens": tokens,
		"tokenizer.ggml.token_type": types, "tokenizer.ggml.merges": lines,
	}
}

func fromHeader(tb testing.TB, h header) *Codec {
	tb.Helper()
	t, err := TableOf(h)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := FromTable(t)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestTablesLikeFiles wants the same tokens of a GGUF header as of the tokenizer.json
// it was made of.
func TestTablesLikeFiles(t *testing.T) {
	t.Parallel()
	texts := codecTexts(t)
	for name, pre := range map[string]string{
		"gpt2": "gpt-2", "llama3": "llama-bpe", "qwen2": "qwen2", "deepseek": "deepseek-v3", "tekken": "tekken",
	} {
		h := headerOf(t, name, pre)
		c, file := fromHeader(t, h), parseCodec(t, name)
		var g codecGolden
		readCodecJSON(t, name+".golden.json", &g)
		for i, text := range texts {
			if got := c.Encode(nil, Segment{Text: text}); !slices.Equal(got, g.IDs[i]) {
				t.Errorf("%s, %q (-want +got): %s", name, text, cmp.Diff(g.IDs[i], got))
			}
			if got, want := c.Decode(g.IDs[i]), file.Decode(g.IDs[i]); got != want {
				t.Errorf("%s, Decode(%v) = %q, want %q", name, g.IDs[i], got, want)
			}
		}
	}
}

func TestSpecialTokensOfTables(t *testing.T) {
	t.Parallel()
	h := headerOf(t, "llama3", "llama-bpe")
	tokens, _ := h.Strings("tokenizer.ggml.tokens")
	id := func(s string) int32 { return int32(slices.Index(tokens, s)) }
	f := func(bos int32, add bool, ends ...int32) {
		t.Helper()
		c := fromHeader(t, h)
		gotBOS, gotAdd := c.BOS()
		slices.Sort(ends)
		if gotBOS != bos || gotAdd != add || !slices.Equal(c.Ends(), ends) {
			t.Errorf("BOS %d %v, ends %v; want %d %v, %v", gotBOS, gotAdd, c.Ends(), bos, add, ends)
		}
	}
	text, turn, message := id("<|end_of_text|>"), id("<|eot_id|>"), id("<|eom_id|>")
	f(-1, false, text, turn, message) // well-known ones
	h["tokenizer.ggml.bos_token_id"] = int64(id("<|begin_of_text|>"))
	f(id("<|begin_of_text|>"), true, text, turn, message)
	h["tokenizer.ggml.add_bos_token"] = false
	f(id("<|begin_of_text|>"), false, text, turn, message)
	h["tokenizer.ggml.eos_token_id"] = int64(7)
	h["tokenizer.ggml.eot_token_id"] = int64(8)
	h["tokenizer.ggml.eom_token_id"] = int64(9)
	f(id("<|begin_of_text|>"), false, text, turn, message, 7, 8, 9)
	h["tokenizer.ggml.eos_token_id"] = int64(1 << 40) // none of this vocabulary
	f(id("<|begin_of_text|>"), false, text, turn, message, 8, 9)
}

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadCodec(dir); err == nil {
		t.Error("an empty folder is read")
	}
	write("tokenizer.json", string(readCodecFile(t, "llama3.tokenizer.json")))
	f := func(bos string, add bool, ends ...string) {
		t.Helper()
		c, err := LoadCodec(dir)
		if err != nil {
			t.Fatal(err)
		}
		id, gotAdd := c.BOS()
		var got []string
		for _, id := range c.Ends() {
			got = append(got, string(c.Piece(id)))
		}
		if string(c.Piece(id)) != bos || gotAdd != add || !slices.Equal(got, ends) {
			t.Errorf("BOS %q %v, ends %q; want %q %v %q", c.Piece(id), gotAdd, got, bos, add, ends)
		}
	}
	f("<|begin_of_text|>", true, "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>") // the template adds it
	write("tokenizer_config.json", `{"bos_token": {"content": "<|end_of_text|>"}, "eos_token": "<|begin_of_text|>", "add_bos_token": false}`)
	f("<|end_of_text|>", false, "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>")
	write("tokenizer_config.json", `{"bos_token": null, "eos_token": null}`)
	write("generation_config.json", `{"eos_token_id": [3, 1000000, -1]}`)
	write("config.json", `{"eos_token_id": 2}`)
	f("<|begin_of_text|>", true, "#", "$", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>")
	write("config.json", `{"eos_token_id": "x"}`)
	if _, err := LoadCodec(dir); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("a broken file: %v", err)
	}
}

func TestTablesRefused(t *testing.T) {
	t.Parallel()
	f := func(want string, change func(*Table)) {
		t.Helper()
		table, _ := readTable(t, "llama")
		change(table)
		if _, err := FromTable(table); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("the tokenizer model \"bert\"", func(t *Table) { t.Model = "bert" })
	f("a vocabulary of 0 tokens", func(t *Table) { t.Tokens = nil })
	f("token types for", func(t *Table) { t.Types = t.Types[1:] })
	f("scores for", func(t *Table) { t.Scores = t.Scores[1:] })
	f("no scores", func(t *Table) { t.Scores = nil })
	f("has the type 9", func(t *Table) { t.Types[5] = 9 })
	f("is no number", func(t *Table) { t.Scores[5] = float32(math.NaN()) })
	f("is a special one", func(t *Table) { t.EOS = 1 << 20 })
	f("is a special one", func(t *Table) { t.BOS = -2 })
	f("bytes", func(t *Table) { t.Types[5], t.Tokens[5] = int32(kindControl), strings.Repeat("x", maxAdded+1) })
	f("the pre-tokenizer \"nonesuch\"", func(t *Table) { t.Model, t.Pre = "gpt2", "nonesuch" })
	f("is not two words", func(t *Table) { t.Model, t.Merges = "gpt2", []string{"ab"} })
	f("not in the vocabulary", func(t *Table) { t.Model, t.Merges = "gpt2", []string{"a zzzz"} })
	f("no unknown token", func(t *Table) { t.Model, t.Unknown = "t5", -1 })
	f("precompiled_charsmap", func(t *Table) { t.Model, t.Charsmap = "t5", []byte{1, 2, 3, 4, 5} })
	f("precompiled_charsmap", func(t *Table) {
		t.Model, t.Charsmap = "t5", append([]byte{4, 0, 0, 0, 0, 0, 0, 0}, strings.Repeat("x", 1000)...)
	})
	if _, err := TableOf(header{}); err == nil {
		t.Error("a header without a tokenizer is read")
	}
	if _, err := TableOf(header{"tokenizer.ggml.model": "llama"}); err == nil {
		t.Error("a header without tokens is read")
	}
}

func TestCodecsRefused(t *testing.T) {
	t.Parallel()
	f := func(name, old, with, want string) {
		t.Helper()
		text := string(readCodecFile(t, name+".tokenizer.json"))
		if !strings.Contains(text, old) {
			t.Fatalf("%s has no %s", name, old)
		}
		if _, err := ParseCodec([]byte(strings.Replace(text, old, with, 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, %s: %v, want %q", name, with, err, want)
		}
	}
	f("gpt2", `"type":"BPE"`, `"type":"WordLevel"`, `the model "WordLevel"`)
	f("gpt2", `"dropout":null`, `"dropout":0.1`, "dropout")
	f("gpt2", `"end_of_word_suffix":null`, `"end_of_word_suffix":"</w>"`, "suffix")
	f("gpt2", `"unk_token":null`, `"unk_token":"<none>"`, `unknown token "<none>"`)
	f("gpt2", `"merges":["`, `"merges":["nonesuch x","`, "not in the vocabulary")
	f("gpt2", `"merges":["`, `"merges":["nonesuch","`, "is not two words")
	f("gpt2", `"pre_tokenizer":{"type":"ByteLevel"`, `"pre_tokenizer":{"type":"UnicodeScripts"`, `"UnicodeScripts"`)
	f("gpt2", `"decoder":{"type":"ByteLevel"`, `"decoder":{"type":"WordPiece"`, `"WordPiece"`)
	f("llama3", `{"Regex":"`, `{"Regex":"(?<=x)`, "(?<=x)")
	f("llama3", `"Isolated"`, `"Scattered"`, `"Scattered"`)
	f("llama2", `"type":"Prepend"`, `"type":"Nonesuch"`, `"Nonesuch"`)
	f("llama2", `"merges":[[`, `"merges":[["a"],[`, "where a string should be")
	f("llama2", `"merges":[[`, `"merges":[["a","b","c"],[`, "more than two words")
	f("llama2", `"merges":[[`, `"merges":[1,[`, "where a string should be")
	f("llama2", `"<unk>":0`, `"<unk>":0.5`, "the ID 0.5")
	f("llama2", `"<unk>":0`, `"<unk>":[]`, "where a number should be")
	f("llama2", `"added_tokens":[`, `"added_tokens":{"x":[`, "")
	f("llama2", `"decoders":[`, `"decoders":[`+strings.Repeat(`{"type":"Fuse"},`, 100), "more than 64 members")
	f("t5", `"vocab":[[`, `"vocab":[["a"],[`, "where a number should be")
	f("t5", `"vocab":[[`, `"vocab":[["a",1,2],[`, "more than a word and a score")
	f("llama2", `"type":"ByteFallback"`, `"type":"CTC"`, `"CTC"`)
	f("mistral", `"content":"[INST]"`, `"content":"`+strings.Repeat("x", maxAdded+1)+`"`, "bytes")
	f("mistral", `"replacement":"`, `"replacement":"_`, "the replacement")
	f("t5", `"Regex":" {2,}"`, `"Regex":"x+"`, `"x+"`)
	f("t5", `"unk_id":0`, `"unk_id":null`, "no unknown token")
	for _, text := range []string{"", "[]", "{}", `{"model":{"type":"BPE","vocab":{"a":-1}}}`, `{"model":{"vocab":{"a":99999999}}}`, `{"model":{"vocab":{"a":1,"b":1}}}`} {
		if _, err := ParseCodec([]byte(text)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

// TestLongWords wants time about in proportion to the length of one word.
func TestLongWords(t *testing.T) {
	t.Parallel()
	for _, name := range families() {
		c := parseCodec(t, name)
		for _, text := range []string{strings.Repeat("a", 1<<18), strings.Repeat("ab中", 1<<16), strings.Repeat(" ", 1<<18), strings.Repeat("<", 1<<18)} {
			start := time.Now()
			ids := c.Encode(nil, Segment{Text: text})
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("%s: %v for %q…", name, took, text[:8])
			}
			if len(ids) == 0 && strings.TrimSpace(text) != "" {
				t.Errorf("%s: no tokens", name)
			}
		}
	}
}

// FuzzTable makes codecs of any table and encodes with them.
func FuzzTable(f *testing.F) {
	f.Add("gpt2", "llama-bpe", `["a","b","ab"]`, `["a b"]`, `[1,1,1]`, `[0,0,0]`, []byte(nil), "abba ab")
	f.Add("llama", "", `["<unk>","a","b","ab","▁"]`, `[]`, `[2,1,1,5,1]`, `[0,-1,-2,-3,-1]`, []byte(nil), "ab ba")
	f.Add("t5", "", `["<unk>","a","b","ab","▁"]`, `[]`, `[2,1,1,4,1]`, `[0,-1,-2,-3,-1]`, []byte{4, 0, 0, 0, 0, 0, 0, 0}, "ab ba")
	f.Fuzz(func(t *testing.T, model, pre, tokens, merges, types, scores string, charsmap []byte, text string) {
		table := &Table{Model: model, Pre: pre, Charsmap: charsmap, BOS: -1, EOS: -1, Unknown: -1, Padding: -1, AddSpacePrefix: true, RemoveExtraWhitespaces: true}
		_ = json.Unmarshal([]byte(tokens), &table.Tokens)
		_ = json.Unmarshal([]byte(merges), &table.Merges)
		_ = json.Unmarshal([]byte(types), &table.Types)
		_ = json.Unmarshal([]byte(scores), &table.Scores)
		if len(table.Tokens) > 0 {
			table.Unknown = 0
		}
		c, err := FromTable(table)
		if err != nil {
			return
		}
		for _, id := range c.Encode(nil, Segment{Text: text}, Segment{Text: text, Plain: true}) {
			if id < 0 || int(id) >= c.Size() {
				t.Errorf("token %d of %d", id, c.Size())
			}
		}
	})
}

func FuzzParseCodec(f *testing.F) {
	for _, name := range families() {
		f.Add(readCodecFile(f, name+".tokenizer.json"), "It's a <s> test▁ é\u0301 123\n\n")
	}
	f.Fuzz(func(_ *testing.T, file []byte, text string) {
		if c, err := ParseCodec(file); err == nil {
			c.Decode(c.Encode(nil, Segment{Text: text})) // must not panic
		}
	})
}

// FuzzRoundTrip wants the bytes of any text back from byte-level tokens.
func FuzzRoundTrip(f *testing.F) {
	var codecs []*Codec
	for _, name := range []string{"gpt2", "llama3", "smollm", "deepseek", "tekken"} {
		codecs = append(codecs, parseCodec(f, name))
	}
	for _, text := range codecTexts(f) {
		f.Add(text)
	}
	f.Add("\xff\xfe broken \xe4\xbd")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range codecs {
			var back []byte
			for _, id := range c.Encode(nil, Segment{Text: text, Plain: true}) {
				back = append(back, c.Piece(id)...)
			}
			if string(back) != text {
				t.Errorf("%q becomes %q", text, back)
			}
		}
	})
}
