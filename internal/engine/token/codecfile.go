package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// codecFile is the tokenizer.json of a model that generates text.
type codecFile struct {
	Added         addedList       `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         codecModel      `json:"model"`
}

// codecModel is its model, of any type.
type codecModel struct {
	Type         string          `json:"type"`
	Vocab        json.RawMessage `json:"vocab"`
	Merges       merges          `json:"merges"`
	Unknown      *string         `json:"unk_token"`
	UnknownID    *int32          `json:"unk_id"`
	Fallback     bool            `json:"byte_fallback"`
	FuseUnknown  bool            `json:"fuse_unk"`
	IgnoreMerges bool            `json:"ignore_merges"`
	Dropout      *float64        `json:"dropout"`
	Prefix       *string         `json:"continuing_subword_prefix"`
	Suffix       *string         `json:"end_of_word_suffix"`
}

// merges reads both forms of a list of merges: "a b" and ["a", "b"].
type merges []merge

// UnmarshalJSON reads either form.
func (m *merges) UnmarshalJSON(text []byte) error {
	j := jsonText{text: text}
	if j.next() == 'n' {
		return nil // null
	}
	if err := j.open('['); err != nil {
		return err
	}
	for j.more() {
		if len(*m) == maxMerges {
			return fmt.Errorf("more than %d merges", maxMerges)
		}
		x, err := j.merge()
		if err != nil {
			return fmt.Errorf("merge %d: %w", len(*m), err)
		}
		*m = append(*m, x)
	}
	return nil
}

func (j *jsonText) merge() (m merge, err error) {
	if j.next() != '[' {
		line, err := j.str()
		if err != nil {
			return m, err
		}
		left, right, ok := strings.Cut(line, " ")
		if !ok {
			return m, fmt.Errorf("%.40q is not two words", line)
		}
		return merge{left, right}, nil
	}
	j.at++
	for _, word := range []*string{&m.left, &m.right} {
		if *word, err = j.str(); err != nil {
			return m, err
		}
	}
	if j.more() {
		return m, errors.New("more than two words")
	}
	return m, nil
}

// ParseCodec reads a tokenizer.json whose model is BPE or Unigram. Which tokens begin
// a text and end a generation is not in it, but for well-known ones: LoadCodec reads
// the files beside it, too.
func ParseCodec(text []byte) (*Codec, error) {
	var f codecFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	c, err := f.codec()
	if err != nil {
		return nil, err
	}
	c.bos, c.addBOS = f.begin(c)
	c.setEnds(nil)
	return c, nil
}

func (f *codecFile) codec() (*Codec, error) {
	var (
		tokens []string
		scores []float64
		err    error
	)
	switch f.Model.Type {
	case "BPE", "":
		tokens, err = f.Model.words()
	case "Unigram":
		tokens, scores, err = f.Model.scored()
	default:
		err = fmt.Errorf("the model %.40q is not one that is implemented: BPE and Unigram are", f.Model.Type)
	}
	if err != nil {
		return nil, err
	}
	c := &Codec{bos: noToken, special: map[string]int32{}, kinds: make([]kind, len(tokens))}
	// A token that the vocabulary lacks keeps kind 0: it is found in no text.
	for i, s := range tokens {
		if s != "" {
			c.kinds[i] = kindNormal
		}
	}
	all, err := f.added(c, tokens)
	if err != nil {
		return nil, err
	}
	var byteLevel bool
	if c.form, err = parseNormalizer(f.Normalizer, 0); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if byteLevel, err = f.preTokenizer(c); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if err := f.decoder(c, byteLevel); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	if f.Model.Type == "Unigram" {
		err = f.unigram(c, tokens, scores)
	} else {
		err = f.bpe(c, tokens, byteLevel)
	}
	if err != nil {
		return nil, err
	}
	f.pieces(c, all, byteLevel)
	return c, f.matchers(c)
}

// words returns the vocabulary of a BPE model, by ID; IDs that it lacks are empty.
func (m *codecModel) words() ([]string, error) {
	var tokens []string
	j := jsonText{text: m.Vocab}
	if err := j.open('{'); err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	for j.more() {
		s, err := j.str()
		if err != nil {
			return nil, fmt.Errorf("vocab: %w", err)
		}
		id, err := j.number()
		if err != nil {
			return nil, fmt.Errorf("vocab, %.40q: %w", s, err)
		}
		if id < 0 || id >= maxVocabulary || id != math.Trunc(id) {
			return nil, fmt.Errorf("token %.40q has the ID %g", s, id)
		}
		if n := int(id) + 1; n > len(tokens) {
			tokens = append(tokens, make([]string, n-len(tokens))...)
		}
		if t := tokens[int(id)]; t != "" && t != s {
			return nil, fmt.Errorf("tokens %.40q and %.40q have the ID %g", t, s, id)
		}
		tokens[int(id)] = s
	}
	return tokens, checkVocabulary(tokens)
}

// scored returns the vocabulary of a unigram model and its scores.
func (m *codecModel) scored() ([]string, []float64, error) {
	var (
		tokens []string
		scores []float64
	)
	j := jsonText{text: m.Vocab}
	if err := j.open('['); err != nil {
		return nil, nil, fmt.Errorf("vocab: %w", err)
	}
	for j.more() && len(tokens) <= maxVocabulary {
		s, x, err := j.scored()
		if err != nil {
			return nil, nil, fmt.Errorf("vocab, token %d: %w", len(tokens), err)
		}
		tokens, scores = append(tokens, s), append(scores, x)
	}
	return tokens, scores, checkVocabulary(tokens)
}

// scored reads ["token", -1.5].
func (j *jsonText) scored() (s string, score float64, err error) {
	if err = j.open('['); err != nil {
		return s, score, err
	}
	if s, err = j.str(); err != nil {
		return s, score, err
	}
	if score, err = j.number(); err == nil && j.more() {
		err = errors.New("more than a word and a score")
	}
	return s, score, err
}

// added enters the added tokens among kinds and contents and returns the contents of
// all tokens.
func (f *codecFile) added(c *Codec, tokens []string) ([]string, error) {
	all := slices.Clone(tokens)
	f.keepIDs(tokens)
	size := 0
	for _, t := range f.Added {
		if t.ID < 0 || t.ID >= maxVocabulary {
			return nil, fmt.Errorf("added token %.40q has the ID %d", t.Content, t.ID)
		}
		size += len(t.Content)
		if n := int(t.ID) + 1; n > len(all) {
			all = append(all, make([]string, n-len(all))...)
			c.kinds = append(c.kinds, make([]kind, n-len(c.kinds))...)
		}
		if s := all[t.ID]; s != "" && s != t.Content {
			return nil, fmt.Errorf("tokens %.40q and %.40q have the ID %d", s, t.Content, t.ID)
		}
		all[t.ID] = t.Content
		if c.kinds[t.ID] = kindUser; t.Special {
			c.kinds[t.ID] = kindControl
		}
		c.special[t.Content] = t.ID
	}
	if size > maxVocabularyText || len(f.Added) > maxVocabulary {
		return nil, fmt.Errorf("%d added tokens of %d MiB", len(f.Added), size>>20)
	}
	return all, nil
}

// keepIDs gives added tokens that the vocabulary has the IDs that they have there, as
// the reference does.
func (f *codecFile) keepIDs(tokens []string) {
	index := make(map[string]int, len(f.Added))
	for i, t := range f.Added {
		index[t.Content] = i
	}
	for id, s := range tokens {
		if i, ok := index[s]; ok && s != "" {
			f.Added[i].ID = int32(id)
		}
	}
}

func (f *codecFile) bpe(c *Codec, tokens []string, byteLevel bool) error {
	m := &f.Model
	switch {
	case m.Dropout != nil && *m.Dropout != 0:
		return errors.New("a model with dropout is not implemented")
	case m.Prefix != nil && *m.Prefix != "" || m.Suffix != nil && *m.Suffix != "":
		return errors.New("a model with a subword prefix or suffix is not implemented")
	}
	u := newByteUnmapper()
	word := func(dst []byte, s string) []byte { return append(dst, s...) }
	if byteLevel {
		word = u.word
	}
	words, mapped := newPieces(len(tokens)), make([]bool, len(tokens))
	var buf []byte
	for i, s := range tokens {
		buf, mapped[i] = append(buf[:0], s...), true
		if byteLevel {
			if buf, mapped[i] = u.bytes(buf[:0], s); !mapped[i] {
				buf = append(buf[:0], s...)
			}
		}
		words.add(string(buf))
	}
	keep := func(id int32) bool {
		_, isByte := byteToken(tokens[id])
		return mapped[id] && c.kinds[id] != kindControl && (!isByte || !m.Fallback)
	}
	o := bpeOptions{
		byteLevel: byteLevel, ignoreMerges: m.IgnoreMerges, fuseUnknown: m.FuseUnknown, fallback: m.Fallback && !byteLevel, unknown: noToken,
	}
	if m.Unknown != nil {
		if o.unknown = int32(slices.Index(tokens, *m.Unknown)); o.unknown == noToken { //nolint:gosec // at most maxVocabulary
			return fmt.Errorf("the unknown token %.40q is not in the vocabulary", *m.Unknown)
		}
	}
	b := newBPE(words, keep, o)
	if err := b.setMerges(m.Merges, word, keep); err != nil {
		return err
	}
	b.setFallback(fallbackTokens(tokens))
	c.model, c.words = b, b.words
	if !byteLevel && !m.IgnoreMerges {
		b.borders = b.markBorders()
	}
	return nil
}

// fallbackTokens finds the byte tokens of a vocabulary.
func fallbackTokens(tokens []string) func(byte) (int32, bool) {
	ids := map[byte]int32{}
	for i, s := range tokens {
		if c, ok := byteToken(s); ok {
			ids[c] = int32(i)
		}
	}
	return func(c byte) (int32, bool) {
		id, ok := ids[c]
		return id, ok
	}
}

func (f *codecFile) unigram(c *Codec, tokens []string, scores []float64) error {
	unknown := int32(noToken)
	if id := f.Model.UnknownID; id != nil && *id >= 0 && int(*id) < len(tokens) {
		unknown = *id
	}
	words := newPieces(len(tokens))
	for _, s := range tokens {
		words.add(s)
	}
	keep := func(id int32) bool {
		_, isByte := byteToken(tokens[id])
		return c.kinds[id] != kindControl && (!isByte || !f.Model.Fallback)
	}
	u, err := newUnigram(words, scores, unknown, keep)
	if err != nil {
		return err
	}
	if f.Model.Fallback {
		var ids [256]int32
		u.fallback = &ids
		find := fallbackTokens(tokens)
		for b := range ids {
			ok := false
			if ids[b], ok = find(byte(b)); !ok {
				u.fallback = nil
				break
			}
		}
	}
	c.model, c.words = u, newIndex(words, keep)
	return nil
}

// pieces sets what each token adds to a text.
func (f *codecFile) pieces(c *Codec, all []string, byteLevel bool) {
	if !byteLevel {
		for i, s := range all {
			if _, ok := byteToken(s); ok && c.spaces.byteTokens && c.kinds[i] == kindNormal {
				c.kinds[i] = kindByte
			}
		}
		c.pieces = spacePieces(all, c.kinds)
		return
	}
	u := newByteUnmapper()
	c.pieces = newPieces(len(all))
	var buf []byte
	for i, s := range all {
		if c.kinds[i] == kindNormal {
			buf = u.word(buf[:0], s)
			s = string(buf)
		}
		c.pieces.add(s)
	}
}

// matchers finds the added tokens in texts. Special ones are looked for in the text as
// it is, whatever they say: their borders have to be those of the segments.
func (f *codecFile) matchers(c *Codec) error {
	var raw, normal []addedToken
	for _, t := range f.Added {
		if t.Special || !t.Normalized {
			raw = append(raw, t)
			continue
		}
		t.Content = c.normalize(t.Content)
		normal = append(normal, t)
	}
	var err error
	if c.raw, err = newMatcher(raw); err != nil {
		return err
	}
	c.normal, err = newMatcher(normal)
	return err
}
