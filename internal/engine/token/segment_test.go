package token

import (
	"slices"
	"strings"
	"testing"
)

// TestForgedMarks wants that plain text never becomes a control token, wherever its
// borders are, and that the tokens of a whole are those of its parts in one text.
func TestForgedMarks(t *testing.T) {
	t.Parallel()
	texts := codecTexts(t)
	for _, name := range families() {
		c := parseCodec(t, name)
		for _, text := range texts {
			whole := c.Encode(nil, Segment{Text: text, Plain: true})
			for _, id := range whole {
				if c.Control(id) && !c.unknownID(id) {
					t.Fatalf("%s: %q becomes %d, %q", name, text, id, c.Piece(id))
				}
			}
			for i := range text {
				got := c.Encode(nil, Segment{Text: text[:i], Plain: true}, Segment{}, Segment{Text: text[i:], Plain: true})
				if !slices.Equal(got, whole) {
					t.Fatalf("%s: %q cut at %d: %v, want %v", name, text, i, got, whole)
				}
				if len(text) > 200 {
					break
				}
			}
		}
	}
}

// unknownID reports the token that stands for unknown characters, which may be a
// special one.
func (c *Codec) unknownID(id int32) bool {
	switch m := c.model.(type) {
	case *bpe:
		return id == m.unknown
	case *unigram:
		return id == m.unknown
	}
	return false
}

func TestSegments(t *testing.T) {
	t.Parallel()
	c := parseCodec(t, "qwen2")
	start, _ := c.Lookup("<|im_start|>")
	end, ok := c.Lookup("<|im_end|>")
	call, _ := c.Lookup("<tool_call>")
	if !ok || !c.Control(end) || c.Control(call) {
		t.Fatalf("<|im_end|> is %d, %v, control %v; <tool_call> control %v", end, ok, c.Control(end), c.Control(call))
	}
	marks := func(segments ...Segment) (out []int32) {
		for _, id := range c.Encode(nil, segments...) {
			if id == start || id == end || id == call {
				out = append(out, id)
			}
		}
		return out
	}
	f := func(want []int32, segments ...Segment) {
		t.Helper()
		if got := marks(segments...); !slices.Equal(got, want) {
			t.Errorf("%v: marks %v, want %v", segments, got, want)
		}
		text := ""
		for _, s := range segments {
			text += s.Text
		}
		if got := c.Decode(c.Encode(nil, segments...)); got != text {
			t.Errorf("%v: decoded %q", segments, got)
		}
	}
	plain := func(s string) Segment { return Segment{Text: s, Plain: true} }
	marked := func(s string) Segment { return Segment{Text: s} }
	f([]int32{start, end}, marked("<|im_start|>user\nhi<|im_end|>"))
	f([]int32{start, end}, marked("<|im_start|>user\n"), plain("hi<|im_end|>"), marked("<|im_end|>"))
	f([]int32{start}, marked("<|im_"), marked("start|>")) // two parts of one
	f(nil, marked("<|im_"), plain("start|>"))
	f(nil, plain("<|im_"), marked("start|>"))
	f(nil, marked("<|im_sta"), plain("r"), marked("t|>"))
	f([]int32{start}, marked("<|im_sta"), plain(""), marked("rt|>"))
	f([]int32{call}, plain("<tool_call>")) // not a special one
	f([]int32{end, end}, plain("<|im_end|>"), marked("<|im_end|><|im_end|>"), plain("<|im_end|>"))
	f(nil)
	// A longer mark that touches plain text leaves room for a shorter one.
	m, err := newMatcher([]addedToken{{ID: 1, Content: "<a>", Special: true}, {ID: 2, Content: "<a>b", Special: true}})
	if err != nil {
		t.Fatal(err)
	}
	var got []int32
	m.split("<a>b<a>b", []span{{3, 4}}, func(int, int) {}, func(id int32) { got = append(got, id) })
	if !slices.Equal(got, []int32{1, 2}) {
		t.Errorf("%v", got)
	}
}

// TestWordsOverBorders wants one word of two segments.
func TestWordsOverBorders(t *testing.T) {
	t.Parallel()
	for _, name := range families() {
		c := parseCodec(t, name)
		whole := c.Encode(nil, Segment{Text: "Hello the world"})
		cut := c.Encode(nil, Segment{Text: "Hel"}, Segment{Text: "lo th", Plain: true}, Segment{Text: "e world"})
		if !slices.Equal(cut, whole) {
			t.Errorf("%s: %v, want %v", name, cut, whole)
		}
	}
}

// TestStream decodes token by token and wants whole characters, and the text of all.
func TestStream(t *testing.T) {
	t.Parallel()
	texts := codecTexts(t)
	for _, name := range families() {
		c := parseCodec(t, name)
		var g codecGolden
		readCodecJSON(t, name+".golden.json", &g)
		for i := range texts {
			d := c.NewDecoder()
			d.Start()
			var b strings.Builder
			for _, id := range g.IDs[i] {
				part := d.Add(id)
				if strings.ToValidUTF8(part, "") != part {
					t.Fatalf("%s: %q is no text", name, part)
				}
				b.WriteString(part)
			}
			b.WriteString(d.Flush())
			if got, want := b.String(), c.Decode(g.IDs[i]); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

// TestLeadingSpace wants the space of a token where it continues a text.
func TestLeadingSpace(t *testing.T) {
	t.Parallel()
	f := func(name string, prompt string, want string) {
		t.Helper()
		c := parseCodec(t, name)
		before := c.Encode(nil, Segment{Text: prompt})
		id, ok := c.Lookup(" the")
		if !ok {
			t.Fatalf("%s: no token for a word", name)
		}
		d := c.NewDecoder()
		d.After(before)
		if got := d.Add(id) + d.Flush(); got != want {
			t.Errorf("%s, after %q: %q, want %q", name, prompt, got, want)
		}
		if got := c.NewDecoder().Add(id); got != " the" {
			t.Errorf("%s: a new decoder gives %q", name, got)
		}
	}
	f("llama2", "", "the")
	f("llama2", "This is", " the")
	f("llama2", "This is</s>", "the") // each part is encoded with a space before it
	f("mistral", "", "the")
	f("mistral", "This is[/INST]", " the") // only the first part is
	f("gemma", "", " the")
	f("t5", "", "the")
	f("qwen2", "", " the")
	f("qwen2", "<|im_start|>", " the")
}

func TestBrokenCharacters(t *testing.T) {
	t.Parallel()
	byteLevel, fallback := parseCodec(t, "gpt2"), parseCodec(t, "llama2")
	f := func(c *Codec, bytes string, want string) {
		t.Helper()
		d := c.NewDecoder()
		got := ""
		for _, b := range []byte(bytes) {
			id := int32(-1)
			switch m := c.model.(type) {
			case *bpe:
				if id = m.single[b]; m.fallback != nil {
					id = m.fallback[b]
				}
			}
			got += d.Add(id)
		}
		if got += d.Flush(); got != want {
			t.Errorf("%x: %q, want %q", bytes, got, want)
		}
	}
	f(byteLevel, "a\xff b", "a\ufffd b")
	f(byteLevel, "\xe4\xbd", "\ufffd")
	f(byteLevel, "\xe4\xbdA", "\ufffdA")
	f(byteLevel, "\xf0\x9f\x98\xf0\x9f\x98\x80", "\ufffd😀")
	f(byteLevel, "\xf0\x80\x80\x80", "\ufffd\ufffd\ufffd\ufffd")
	f(byteLevel, "\xed\xa0\x80", "\ufffd\ufffd\ufffd")
	f(fallback, "\xe4\xbd\xa0", "你")
	f(fallback, "\xe4\xbd", "\ufffd\ufffd")
	f(fallback, "\xff\xfe", "\ufffd\ufffd")
}
