package token

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Table is a tokenizer as GGUF files and llama2.c's tokenizer.bin hold it.
type Table struct {
	Model    string // "gpt2": byte-level BPE; "llama": SentencePiece's BPE; "t5": unigram; "bert": WordPiece
	Pre      string // how a "gpt2" model cuts a text into words, by llama.cpp's names
	Tokens   []string
	Scores   []float32
	Types    []int32 // 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte; nil: all normal
	Merges   []string
	Charsmap []byte // the precompiled normalizer of a "t5" model

	BOS, EOS, Unknown, Padding int32 // -1: none
	AddBOS, AddEOS             bool
	AddSpacePrefix             bool
	RemoveExtraWhitespaces     bool    // of a "t5" model
	EndTokens                  []int32 // EOT, EOM
}

// Metadata is what the header of a GGUF file says, as *gguf.File has it.
type Metadata interface {
	String(key string) (string, bool)
	Int(key string) (int64, bool)
	Bool(key string) (bool, bool)
	Strings(key string) ([]string, bool)
	Ints(key string) ([]int64, bool)
	Floats(key string) ([]float32, bool)
}

// ggml is the beginning of a tokenizer's keys.
const ggml = "tokenizer.ggml."

// TableOf reads the tokenizer of a GGUF file, the keys tokenizer.ggml.*.
func TableOf(m Metadata) (*Table, error) {
	t := &Table{}
	var ok bool
	if t.Model, ok = m.String(ggml + "model"); !ok {
		return nil, fmt.Errorf("the file has no tokenizer: no %smodel", ggml)
	}
	if t.Tokens, ok = m.Strings(ggml + "tokens"); !ok {
		return nil, fmt.Errorf("no %stokens", ggml)
	}
	t.Pre, _ = m.String(ggml + "pre")
	t.Scores, _ = m.Floats(ggml + "scores")
	t.Merges, _ = m.Strings(ggml + "merges")
	if types, ok := m.Ints(ggml + "token_type"); ok {
		t.Types = make([]int32, len(types))
		for i, x := range types {
			t.Types[i] = int32(max(min(x, math.MaxInt32), 0))
		}
	}
	if chars, ok := m.Ints(ggml + "precompiled_charsmap"); ok {
		t.Charsmap = make([]byte, len(chars))
		for i, x := range chars {
			t.Charsmap[i] = byte(x) //nolint:gosec // bytes, of either sign
		}
	}
	id := func(key string) int32 {
		if x, ok := m.Int(ggml + key); ok && x >= 0 && x < int64(len(t.Tokens)) {
			return int32(x) //nolint:gosec // checked
		}
		return noToken
	}
	t.BOS, t.EOS, t.Unknown, t.Padding = id("bos_token_id"), id("eos_token_id"), id("unknown_token_id"), id("padding_token_id")
	for _, key := range []string{"eot_token_id", "eom_token_id"} {
		if x := id(key); x != noToken {
			t.EndTokens = append(t.EndTokens, x)
		}
	}
	flag := func(key string, unless bool) bool {
		if x, ok := m.Bool(ggml + key); ok {
			return x
		}
		return unless
	}
	pre, _ := preTokenizer(t.Pre)
	t.AddBOS = flag("add_bos_token", t.Model == "llama" || t.Model == "gpt2" && pre.addBOS)
	t.AddEOS = flag("add_eos_token", t.Model == "t5")
	t.AddSpacePrefix = flag("add_space_prefix", t.Model != "gpt2")
	t.RemoveExtraWhitespaces = flag("remove_extra_whitespaces", false)
	return t, nil
}

// FromTable makes the codec of a table. WordPieceFromTable is the one for "bert".
func FromTable(t *Table) (*Codec, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	c := &Codec{bos: t.BOS, addBOS: t.AddBOS, kinds: make([]kind, len(t.Tokens)), special: map[string]int32{}}
	for i := range c.kinds {
		c.kinds[i] = kindNormal
		if t.Types != nil {
			c.kinds[i] = kind(t.Types[i]) //nolint:gosec // checked
		}
	}
	var err error
	switch t.Model {
	case "gpt2":
		err = t.byteLevel(c)
	case "llama":
		err = t.sentencePiece(c)
	case "t5":
		err = t.unigram(c)
	default:
		err = fmt.Errorf("the tokenizer model %.40q is not one that is implemented: gpt2, llama and t5 are", t.Model)
	}
	if err != nil {
		return nil, err
	}
	if err := t.added(c); err != nil {
		return nil, err
	}
	c.setEnds(append([]int32{t.EOS}, t.EndTokens...))
	return c, nil
}

func (t *Table) check() error {
	if err := checkVocabulary(t.Tokens); err != nil {
		return err
	}
	n := len(t.Tokens)
	if t.Types != nil && len(t.Types) != n {
		return fmt.Errorf("%d token types for %d tokens", len(t.Types), n)
	}
	if t.Scores != nil && len(t.Scores) != n {
		return fmt.Errorf("%d scores for %d tokens", len(t.Scores), n)
	}
	for i, x := range t.Types {
		if x < int32(kindNormal) || x > int32(kindByte) {
			return fmt.Errorf("token %d has the type %d", i, x)
		}
	}
	for i, x := range t.Scores {
		if x != x {
			return fmt.Errorf("the score of token %d is no number", i)
		}
	}
	for _, id := range append([]int32{t.BOS, t.EOS, t.Unknown, t.Padding}, t.EndTokens...) {
		if id < noToken || int(id) >= n {
			return fmt.Errorf("the token %d of %d is a special one", id, n)
		}
	}
	return nil
}

// added makes the matcher of control and user-defined tokens.
func (t *Table) added(c *Codec) error {
	var tokens []addedToken
	for i, s := range t.Tokens {
		k := c.kinds[i]
		if k != kindControl && k != kindUnknown && k != kindUser || s == "" {
			continue
		}
		if k == kindUser && c.spaces.marks { // some converters leave the marks in
			s = strings.ReplaceAll(s, sentencePieceMark, " ")
		}
		id := int32(i)
		if _, ok := c.special[s]; !ok {
			c.special[s] = id
		}
		tokens = append(tokens, addedToken{ID: id, Content: s, Special: k != kindUser})
	}
	var err error
	if c.raw, err = newMatcher(tokens); err != nil {
		return err
	}
	c.normal, err = newMatcher(nil)
	return err
}

// byteLevel makes the parts of a byte-level codec.
func (t *Table) byteLevel(c *Codec) error {
	pre, ok := preTokenizer(t.Pre)
	if !ok {
		return fmt.Errorf("the pre-tokenizer %.40q is not one that is implemented", t.Pre)
	}
	var err error
	if c.cut, c.whole, err = pre.cutter(); err != nil {
		return err
	}
	if pre.nfc {
		c.form = unicodeForm(norm.NFC)
	}
	u := newByteUnmapper()
	literal := func(id int32) bool { return c.kinds[id] != kindNormal && c.kinds[id] != kindUnused }
	c.pieces = newPieces(len(t.Tokens))
	mapped := make([]bool, len(t.Tokens))
	var buf []byte
	for i, s := range t.Tokens {
		if !literal(int32(i)) {
			if buf, mapped[i] = u.bytes(buf[:0], s); mapped[i] {
				s = string(buf)
			}
		}
		c.pieces.add(s)
	}
	keep := func(id int32) bool { return mapped[id] }
	b := newBPE(c.pieces, keep, bpeOptions{byteLevel: true, ignoreMerges: pre.ignoreMerges, unknown: noToken})
	c.model, c.words = b, b.words
	merges := make([]merge, 0, len(t.Merges))
	for i, m := range t.Merges {
		left, right, ok := strings.Cut(m, " ")
		if !ok {
			return fmt.Errorf("merge %d, %.40q, is not two words", i, m)
		}
		merges = append(merges, merge{left, right})
	}
	return b.setMerges(merges, u.word, keep)
}

// sentencePiece makes the parts of a SentencePiece codec.
func (t *Table) sentencePiece(c *Codec) error {
	if t.Scores == nil {
		return fmt.Errorf("no scores")
	}
	words := newPieces(len(t.Tokens))
	for _, s := range t.Tokens {
		words.add(s)
	}
	keep := func(id int32) bool {
		return c.kinds[id] == kindNormal || c.kinds[id] == kindUser || c.kinds[id] == kindUnused
	}
	unknown := t.Unknown
	if i := slices.Index(t.Types, int32(kindUnknown)); unknown == noToken && i >= 0 {
		unknown = int32(i) //nolint:gosec // at most maxVocabulary
	}
	b := newBPE(words, keep, bpeOptions{unknown: unknown, fuseUnknown: true, fallback: true})
	unused := func(id int32) bool { return c.kinds[id] == kindUnused }
	if err := b.setScores(func(id int32) float32 { return t.Scores[id] }, keep, unused); err != nil {
		return err
	}
	b.setFallback(t.byteTokens(c))
	c.model, c.words = b, b.words
	c.form = formsInTurn([]normalForm{replace(" ", sentencePieceMark)})
	if t.AddSpacePrefix {
		c.form = formsInTurn([]normalForm{prepend(" "), c.form})
	}
	b.borders = b.markBorders()
	c.spaces = spaces{marks: true, byteTokens: true}
	if t.AddSpacePrefix {
		c.spaces.lead, c.spaces.leadPart = 1, true
	}
	c.pieces = spacePieces(t.Tokens, c.kinds)
	return nil
}

// byteTokens returns the byte token of each byte.
func (t *Table) byteTokens(c *Codec) func(byte) (int32, bool) {
	ids := map[byte]int32{}
	for i, s := range t.Tokens {
		if x, ok := byteToken(s); ok && c.kinds[i] == kindByte {
			ids[x] = int32(i)
		}
	}
	return func(x byte) (int32, bool) {
		id, ok := ids[x]
		return id, ok
	}
}

// spacePieces returns what SentencePiece's tokens add to a text: spaces for its marks,
// and a byte for a byte token. Control tokens stay as they are.
func spacePieces(tokens []string, kinds []kind) *pieces {
	p := newPieces(len(tokens))
	for i, s := range tokens {
		switch kinds[i] {
		case kindByte:
			if c, ok := byteToken(s); ok {
				s = string([]byte{c})
			}
		case kindControl, kindUnknown:
		default:
			s = strings.ReplaceAll(s, sentencePieceMark, " ")
		}
		p.add(s)
	}
	return p
}
