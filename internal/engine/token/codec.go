package token

import (
	"slices"
	"strings"
)

// Segment is a part of a text with its provenance.
type Segment struct {
	Text string
	// Plain: special tokens are not looked for in Text. It is set for whatever a user
	// wrote, who could otherwise forge the marks between the turns of a chat.
	Plain bool
}

// Codec turns text into token IDs and back for models that generate text: byte-level
// BPE, SentencePiece's BPE and unigram. It is immutable and safe for concurrent use.
type Codec struct {
	pieces  *pieces // what each token adds to a text
	kinds   []kind
	special map[string]int32 // added tokens by their content
	words   *index           // the others, by their text as the model has it

	raw    *matcher   // added tokens in the text as it is
	normal *matcher   // added tokens in its normal form
	form   normalForm // nil: none
	cut    cutter     // nil: a part between added tokens is one word
	whole  func(s string, i int) int
	model  model
	spaces spaces

	bos    int32
	addBOS bool
	ends   []int32
}

// model appends the tokens of a word.
type model interface {
	append(dst []int32, word string) []int32
}

// Encode appends the tokens of the segments to dst. The segments are one text, which
// is cut into words and merged as if it had no borders, but for special tokens: only
// those count that lie outside of the plain segments. It adds no BOS and no EOS.
//
// Added tokens that are not special (those for runs of spaces, <tool_call>) are found
// in plain segments, too, as models were trained on text that was cut so.
//
// A byte that is no part of a UTF-8 character is kept by byte-level models, and by
// models with byte tokens; for others it is an unknown character.
func (c *Codec) Encode(dst []int32, segments ...Segment) []int32 {
	text, plain := join(segments)
	take := func(id int32) { dst = append(dst, id) }
	c.raw.split(text, plain, func(start, stop int) {
		if len(c.normal.tokens) == 0 {
			dst = c.appendText(dst, c.normalize(text[start:stop]), start == 0)
			return
		}
		form := c.normalize(text[start:stop])
		c.normal.split(form, nil, func(first, last int) {
			dst = c.appendText(dst, form[first:last], start == 0 && first == 0)
		}, take)
	}, take)
	return dst
}

// join makes one text of segments and returns which parts of it are plain.
func join(segments []Segment) (text string, plain []span) {
	size, count := 0, 0
	for _, s := range segments {
		size += len(s.Text)
		if s.Text != "" {
			text = s.Text
			count++
		}
	}
	if count > 1 {
		var b strings.Builder
		b.Grow(size)
		for _, s := range segments {
			b.WriteString(s.Text)
		}
		text = b.String()
	}
	at := 0
	for _, s := range segments {
		if s.Plain && s.Text != "" {
			if n := len(plain); n > 0 && plain[n-1].stop == at {
				plain[n-1].stop += len(s.Text)
			} else {
				plain = append(plain, span{at, at + len(s.Text)})
			}
		}
		at += len(s.Text)
	}
	return text, plain
}

func (c *Codec) normalize(s string) string {
	if c.form == nil {
		return s
	}
	return c.form(s)
}

// appendText appends the tokens of a part without added tokens. start says that it
// begins the text.
func (c *Codec) appendText(dst []int32, s string, start bool) []int32 {
	switch {
	case c.whole != nil:
		for i := 0; i < len(s); {
			end := c.whole(s, i)
			dst = c.model.append(dst, s[i:end])
			i = end
		}
	case c.cut != nil:
		c.cut(s, start, func(w string) { dst = c.model.append(dst, w) })
	case s != "":
		dst = c.model.append(dst, s)
	}
	return dst
}

// BOS returns the token that begins a text, -1 when there is none, and whether the
// model wants it before a prompt.
func (c *Codec) BOS() (id int32, add bool) { return c.bos, c.addBOS && c.bos >= 0 }

// Ends returns every token that ends a generation, in ascending order. It is not to
// be changed.
func (c *Codec) Ends() []int32 { return c.ends }

// Size is one more than the largest ID.
func (c *Codec) Size() int { return c.pieces.len() }

// Piece returns the bytes that id adds to a running text: a part of a character
// perhaps, the literal text of a control token, nothing for an ID that is no token's.
// They are not to be changed.
func (c *Codec) Piece(id int32) []byte {
	if id < 0 || int(id) >= c.pieces.len() {
		return nil
	}
	return c.pieces.at(id)
}

// Control reports a control token, such as <|im_end|>: one that plain text never
// becomes.
func (c *Codec) Control(id int32) bool {
	return id >= 0 && int(id) < len(c.kinds) && (c.kinds[id] == kindControl || c.kinds[id] == kindUnknown)
}

// Lookup returns the token that has this content: an added token first, else one with
// this Piece.
func (c *Codec) Lookup(text string) (int32, bool) {
	if id, ok := c.special[text]; ok {
		return id, true
	}
	if c.spaces.marks {
		text = strings.ReplaceAll(text, " ", sentencePieceMark)
	}
	id := c.words.get(text)
	return id, id != noToken
}

// setEnds takes what may end a generation and keeps what is a token.
func (c *Codec) setEnds(ids []int32) {
	for text, id := range c.special {
		if wellKnownEnd(text) && c.Control(id) {
			ids = append(ids, id)
		}
	}
	ids = slices.DeleteFunc(ids, func(id int32) bool { return id < 0 || int(id) >= c.Size() })
	slices.Sort(ids)
	c.ends = slices.Compact(ids)
}

// wellKnownEnd reports the contents of tokens that end a generation whatever a file
// says: many files name one of several.
func wellKnownEnd(text string) bool {
	switch text {
	case "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>", "<eos>", "<end_of_turn>",
		"<\uff5cend\u2581of\u2581sentence\uff5c>":
		return true
	}
	return false
}
