package token

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// WordPiece is BERT's tokenizer: words are cut into the longest pieces that the
// vocabulary has, from the left; a word that cannot be is one unknown token.
type WordPiece struct {
	norm     normalizer
	raw      *matcher // added tokens in the text as it is
	normal   *matcher // added tokens in its normal form
	words    map[string]int32
	inner    map[string]int32 // pieces inside a word, without their prefix
	longest  int              // bytes of the longest piece
	unknown  int32
	maxRunes int // of a word; a longer one is unknown
	size     int // one more than the largest ID
	single   template
	pair     template
}

// maxWord is the longest word when the file does not say.
const maxWord = 100

// tokenizerFile is tokenizer.json.
type tokenizerFile struct {
	Added         addedList      `json:"added_tokens"`
	Normalizer    *bertNorm      `json:"normalizer"`
	PreTokenizer  *typed         `json:"pre_tokenizer"`
	PostProcessor *postProcessor `json:"post_processor"`
	Model         struct {
		Type     string           `json:"type"`
		Unknown  string           `json:"unk_token"`
		Prefix   *string          `json:"continuing_subword_prefix"`
		MaxRunes int              `json:"max_input_chars_per_word"`
		Vocab    map[string]int32 `json:"vocab"`
	} `json:"model"`
}

type typed struct {
	Type string `json:"type"`
}

type bertNorm struct {
	Type    string `json:"type"`
	Clean   bool   `json:"clean_text"`
	Chinese bool   `json:"handle_chinese_chars"`
	Strip   *bool  `json:"strip_accents"`
	Lower   bool   `json:"lowercase"`
}

// Parse reads a tokenizer.json whose model is WordPiece.
func Parse(text []byte) (*WordPiece, error) {
	// The type comes first: the members of other families have other shapes.
	var kind struct {
		Model        typed  `json:"model"`
		Normalizer   *typed `json:"normalizer"`
		PreTokenizer *typed `json:"pre_tokenizer"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, err
	}
	switch {
	case kind.Model.Type != "WordPiece":
		return nil, fmt.Errorf("the model %.40q is not one that is implemented: WordPiece is", kind.Model.Type)
	case kind.Normalizer == nil || kind.Normalizer.Type != "BertNormalizer":
		return nil, fmt.Errorf("the normalizer %s is not one that is implemented: BertNormalizer is", kind.Normalizer)
	case kind.PreTokenizer == nil || kind.PreTokenizer.Type != "BertPreTokenizer":
		return nil, fmt.Errorf("the pre-tokenizer %s is not one that is implemented: BertPreTokenizer is", kind.PreTokenizer)
	}
	var f tokenizerFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	return f.wordPiece()
}

// String is for errors.
func (t *typed) String() string {
	if t == nil {
		return "null"
	}
	return fmt.Sprintf("%.40q", t.Type)
}

func (f *tokenizerFile) wordPiece() (*WordPiece, error) {
	n := normalizer{clean: f.Normalizer.Clean, chinese: f.Normalizer.Chinese, lower: f.Normalizer.Lower, strip: f.Normalizer.Lower}
	if f.Normalizer.Strip != nil {
		n.strip = *f.Normalizer.Strip
	}
	prefix := "##"
	if f.Model.Prefix != nil {
		prefix = *f.Model.Prefix
	}
	w, err := newWordPiece(f.Model.Vocab, prefix, f.Model.Unknown)
	if err != nil {
		return nil, err
	}
	w.norm = n
	if f.Model.MaxRunes > 0 {
		w.maxRunes = f.Model.MaxRunes
	}
	if w.single, w.pair, err = f.PostProcessor.templates(); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	return w, w.add(f.Added)
}

// fromVocabulary makes the tokenizer of a vocab.txt: a token a line.
func fromVocabulary(text []byte, n normalizer) (*WordPiece, error) {
	vocab := map[string]int32{}
	id := int32(0)
	for line := range bytes.Lines(text) {
		if id == maxVocabulary {
			return nil, fmt.Errorf("vocab.txt: more than %d tokens", maxVocabulary)
		}
		vocab[string(bytes.TrimRight(line, "\r\n"))] = id
		id++
	}
	w, err := fromWords(vocab, n)
	if err != nil {
		return nil, fmt.Errorf("vocab.txt: %w", err)
	}
	return w, nil
}

// fromWords makes the tokenizer of a vocabulary with BERT's own special tokens.
func fromWords(vocab map[string]int32, n normalizer) (*WordPiece, error) {
	w, err := newWordPiece(vocab, "##", "[UNK]")
	if err != nil {
		return nil, err
	}
	w.norm = n
	var special []addedToken
	for _, name := range []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"} {
		id, ok := vocab[name]
		if !ok {
			return nil, fmt.Errorf("no %s", name)
		}
		special = append(special, addedToken{ID: id, Content: name, Special: true})
	}
	w.single, w.pair = bertTemplates(vocab["[CLS]"], vocab["[SEP]"])
	return w, w.add(special)
}

// newWordPiece checks a vocabulary and makes its tables.
func newWordPiece(vocab map[string]int32, prefix, unknown string) (*WordPiece, error) {
	if len(vocab) == 0 || len(vocab) > maxVocabulary {
		return nil, fmt.Errorf("a vocabulary of %d tokens", len(vocab))
	}
	w := &WordPiece{words: make(map[string]int32, len(vocab)), inner: map[string]int32{}, maxRunes: maxWord}
	for s, id := range vocab {
		if id < 0 || id >= maxVocabulary {
			return nil, fmt.Errorf("token %.40q has the ID %d", s, id)
		}
		w.size = max(w.size, int(id)+1)
		w.longest = max(w.longest, len(s))
		w.words[s] = id
		if len(s) > len(prefix) && s[:len(prefix)] == prefix {
			w.inner[s[len(prefix):]] = id
		}
	}
	var ok bool
	if w.unknown, ok = vocab[unknown]; !ok {
		return nil, fmt.Errorf("the unknown token %.40q is not in the vocabulary", unknown)
	}
	return w, nil
}

// add takes the added tokens, once the normalizer is known.
func (w *WordPiece) add(tokens []addedToken) error {
	var raw, normal []addedToken
	for _, t := range tokens {
		if t.ID < 0 || t.ID >= maxVocabulary {
			return fmt.Errorf("added token %.40q has the ID %d", t.Content, t.ID)
		}
		w.size = max(w.size, int(t.ID)+1)
		if !t.Normalized {
			raw = append(raw, t)
			continue
		}
		t.Content = string(w.norm.appendTo(nil, t.Content))
		normal = append(normal, t)
	}
	var err error
	if w.raw, err = newMatcher(raw); err != nil {
		return err
	}
	if w.normal, err = newMatcher(normal); err != nil {
		return err
	}
	for _, p := range slices.Concat(w.single, w.pair) {
		if p.text == 0 && (p.id < 0 || int(p.id) >= w.size) {
			return fmt.Errorf("the special token %d is not in the vocabulary", p.id)
		}
	}
	return nil
}

// Size is one more than the largest ID that an encoding can hold.
func (w *WordPiece) Size() int { return w.size }

// Encode returns a text with the special tokens around it, cut to limit tokens in
// all; no limit when it is zero.
func (w *WordPiece) Encode(text string, limit int) Encoding {
	ids := w.tokens(text)
	n := len(ids)
	if limit > 0 {
		ids = ids[:min(n, max(limit-w.single.special(), 0))]
	}
	e := w.single.around(ids, nil)
	e.Tokens = n
	return e
}

// EncodePair returns two texts with the special tokens around them, cut to limit
// tokens in all, from the end of the longer one first.
func (w *WordPiece) EncodePair(first, second string, limit int) Encoding {
	a, b := w.tokens(first), w.tokens(second)
	n := len(a) + len(b)
	if room := limit - w.pair.special(); limit > 0 && n > max(room, 0) {
		na, nb := cutPair(len(a), len(b), max(room, 0))
		a, b = a[:na], b[:nb]
	}
	e := w.pair.around(a, b)
	e.Tokens = n
	return e
}

// cutPair returns how much of two texts of a and b tokens stays when room is left,
// as the reference's strategy "longest first" has it.
func cutPair(a, b, room int) (na, nb int) {
	short := min(a, b)
	long := short
	if short <= room {
		long = max(short, room-short)
	}
	if short+long > room {
		short = room / 2
		long = short + room%2
	}
	if a > b {
		return long, short
	}
	return short, long
}

// tokens returns the tokens of a text without special ones around it.
func (w *WordPiece) tokens(text string) []int32 {
	ids := make([]int32, 0, len(text)/4+2)
	take := func(id int32) { ids = append(ids, id) }
	var buf []byte
	w.raw.split(text, nil, func(start, stop int) {
		buf = w.norm.appendTo(buf[:0], text[start:stop])
		norm := string(buf)
		w.normal.split(norm, nil, func(start, stop int) {
			for i := start; ; {
				first, end, ok := nextWord(norm[:stop], i)
				if !ok {
					break
				}
				ids = w.appendWord(ids, norm[first:end])
				i = end
			}
		}, take)
	}, take)
	return ids
}

// appendWord cuts one word into pieces.
func (w *WordPiece) appendWord(ids []int32, word string) []int32 {
	if len(word) > w.maxRunes && utf8.RuneCountInString(word) > w.maxRunes {
		return append(ids, w.unknown)
	}
	mark := len(ids)
	pieces := w.words
	for start := 0; start < len(word); {
		end := min(len(word), start+w.longest)
		id, ok := int32(0), false
		for ; end > start; end-- {
			if end < len(word) && !utf8.RuneStart(word[end]) {
				continue
			}
			if id, ok = pieces[word[start:end]]; ok {
				break
			}
		}
		if !ok {
			return append(ids[:mark], w.unknown)
		}
		ids = append(ids, id)
		start, pieces = end, w.inner
	}
	return ids
}
