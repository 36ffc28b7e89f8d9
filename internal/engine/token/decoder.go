package token

import (
	"bytes"
	"unicode/utf8"
)

// spaces says how a codec writes spaces, which decides what stands at the start of a
// text.
type spaces struct {
	marks bool // as SentencePiece's mark
	// lead is how many spaces an encoding may put before a text; leadAll: as many as
	// the first token has.
	lead       int
	leadAll    bool
	leadPart   bool // before each part behind a special token, too
	byteTokens bool // a broken character is a U+FFFD for each of its byte tokens
}

// Decoder turns tokens into text as they come. It never splits a character: bytes
// wait until theirs is whole. What can't become one is U+FFFD, as many as the
// reference's decoder writes: in byte-level vocabularies one for each broken
// beginning of a character, in vocabularies with byte tokens one for each byte. (The
// reference writes U+FFFD for a whole run of byte tokens when a part of it is broken;
// a decoder of a stream keeps the whole characters of the run.)
//
// A new decoder is one for tokens that continue a text, and so a first token with a
// space before it gives that space. SentencePiece models put a space before a text
// that they encode: Start and After tell the decoder that it is to be taken off.
type Decoder struct {
	c       *Codec
	pending []byte // the beginning of a character
	strip   int    // spaces to take off the next token
	stripAll,
	inBytes bool // pending comes from byte tokens
}

// NewDecoder returns a decoder for tokens that continue a text.
func (c *Codec) NewDecoder() *Decoder { return &Decoder{c: c} }

// Start tells the decoder that what comes begins a text. It must be called first.
func (d *Decoder) Start() {
	d.strip, d.stripAll = d.c.spaces.lead, d.c.spaces.leadAll
}

// After tells the decoder what came before: it is as Start when that is nothing, and
// when it ends with a control token behind which encoding puts a space.
func (d *Decoder) After(prompt []int32) {
	last := len(prompt) - 1
	if last < 0 || d.c.spaces.leadPart && d.c.Control(prompt[last]) {
		d.Start()
	}
}

// Decode returns the text of tokens that begin one, special tokens included.
func (c *Codec) Decode(ids []int32) string {
	d := c.NewDecoder()
	d.Start()
	var out []byte
	for _, id := range ids {
		out = append(out, d.Add(id)...)
	}
	return string(append(out, d.Flush()...))
}

// Add returns the text that is complete with id; control tokens give their content.
func (d *Decoder) Add(id int32) string {
	piece := d.c.Piece(id)
	if d.strip > 0 || d.stripAll {
		if d.stripAll {
			piece = bytes.ReplaceAll(piece, []byte(" "), nil)
		} else {
			lead := len(piece) - len(bytes.TrimLeft(piece, " "))
			piece = piece[min(lead, d.strip):]
		}
		d.strip, d.stripAll = 0, false
	}
	if !d.c.spaces.byteTokens {
		return d.text(piece)
	}
	isByte := id >= 0 && int(id) < len(d.c.kinds) && d.c.kinds[id] == kindByte
	if isByte {
		d.inBytes = true
		return d.text(piece)
	}
	out := d.Flush()
	d.inBytes = false
	return out + d.text(piece)
}

// text returns what is complete of pending and piece.
func (d *Decoder) text(piece []byte) string {
	if len(d.pending) == 0 && utf8.Valid(piece) {
		return string(piece)
	}
	d.pending = append(d.pending, piece...)
	var out []byte
	rest := d.pending
	for len(rest) > 0 {
		r, size := utf8.DecodeRune(rest)
		if r != utf8.RuneError || size > 1 {
			out = append(out, rest[:size]...)
			rest = rest[size:]
			continue
		}
		if !utf8.FullRune(rest) {
			break
		}
		out, rest = d.broken(out, rest)
	}
	d.pending = append(d.pending[:0], rest...)
	return string(out)
}

// broken writes for the broken beginning of rest.
func (d *Decoder) broken(out, rest []byte) (written, left []byte) {
	n := brokenLength(rest)
	for i := range n {
		if i == 0 || d.inBytes {
			out = append(out, "\ufffd"...)
		}
	}
	return out, rest[n:]
}

// brokenLength returns how many bytes of a character that is not whole begin s: the
// longest beginning of a character, at least one byte.
func brokenLength(s []byte) int {
	n := 1
	for n < len(s) && n < utf8.UTFMax && !utf8.FullRune(s[:n]) {
		n++
	}
	if utf8.FullRune(s[:n]) && n > 1 {
		n-- // the last byte is what broke it
	}
	return n
}

// Flush returns what Add held back, U+FFFD for a broken character, and makes the
// decoder one that continues the text.
func (d *Decoder) Flush() string {
	var out []byte
	rest := d.pending
	for len(rest) > 0 {
		out, rest = d.broken(out, rest)
	}
	d.pending = d.pending[:0]
	return string(out)
}
