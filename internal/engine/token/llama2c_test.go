package token

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

// llama2cEncode is llama2.c's way: the best pair of all is merged, again and again.
func llama2cEncode(t *Table, text string) []int32 {
	ids := map[string]int32{}
	for i, s := range t.Tokens {
		ids[strings.ReplaceAll(s, sentencePieceMark, " ")] = int32(i)
	}
	var out []int32
	if text != "" {
		out = append(out, ids[" "])
	}
	for _, r := range text {
		if id, ok := ids[string(r)]; ok {
			out = append(out, id)
			continue
		}
		for _, b := range []byte(string(r)) {
			out = append(out, int32(b)+3)
		}
	}
	piece := func(id int32) string { return strings.ReplaceAll(t.Tokens[id], sentencePieceMark, " ") }
	for {
		best, at, merged := float32(-1e10), -1, int32(0)
		for i := range len(out) - 1 {
			if id, ok := ids[piece(out[i])+piece(out[i+1])]; ok && t.Scores[id] > best {
				best, at, merged = t.Scores[id], i, id
			}
		}
		if at < 0 {
			return out
		}
		out[at] = merged
		out = slices.Delete(out, at+1, at+2)
	}
}

func TestLlama2C(t *testing.T) {
	t.Parallel()
	path := sharedtest.Path(t, "models", "stories260k", "tokenizer.bin")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table, err := parseLlama2C(data, 512)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ReadLlama2C(path, 512)
	if err != nil {
		t.Fatal(err)
	}
	if bos, add := c.BOS(); bos != 1 || !add || !slices.Equal(c.Ends(), []int32{2}) || c.Size() != 512 {
		t.Errorf("BOS %d, %v; ends %v; %d tokens", bos, add, c.Ends(), c.Size())
	}
	texts := append(codecTexts(t), "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.")
	for _, text := range texts {
		if strings.ContainsAny(text, "\u2581\x00") || len(text) > 500 {
			continue // llama2.c knows no marks, and its strings end at a zero byte
		}
		got, want := c.Encode(nil, Segment{Text: text, Plain: true}), llama2cEncode(table, text)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
		if back := c.Decode(got); back != text {
			t.Errorf("Decode of %q: %q", text, back)
		}
	}
	for n := range data {
		if _, err := parseLlama2C(data[:n], 512); err == nil {
			t.Errorf("%d of %d bytes are read without an error", n, len(data))
		}
	}
	for _, vocab := range []int{-1, 0, 258, 511, 513, 1 << 30} {
		if _, err := ReadLlama2C(path, vocab); err == nil {
			t.Errorf("%d tokens are read of 512", vocab)
		}
	}
}

func FuzzLlama2C(f *testing.F) {
	data := []byte{5, 0, 0, 0}
	for i := range 262 {
		data = append(data, 0, 0, 0x80, 0xbf, 1, 0, 0, 0, byte('A'+i%26))
	}
	f.Add(data, 262, "a text")
	f.Fuzz(func(_ *testing.T, data []byte, vocab int, text string) {
		t, err := parseLlama2C(data, vocab)
		if err != nil {
			return
		}
		if c, err := FromTable(t); err == nil {
			c.Decode(c.Encode(nil, Segment{Text: text})) // must not panic
		}
	})
}
