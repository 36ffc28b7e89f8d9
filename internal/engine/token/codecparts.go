package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/text/unicode/norm"

	"github.com/outcrop-ai/outcrop/internal/engine/token/pattern"
)

const (
	maxParts = 64 // members of a sequence or template
	maxDepth = 4  // of sequences in sequences
)

// stage is a normalizer, pre-tokenizer or decoder of a tokenizer.json.
type stage struct {
	Type          string  `json:"type"`
	Normalizers   rawList `json:"normalizers"`
	PreTokenizers rawList `json:"pretokenizers"`
	Decoders      rawList `json:"decoders"`

	Prepend     string           `json:"prepend"`
	Content     string           `json:"content"`
	Pattern     *stagePattern    `json:"pattern"`
	Charsmap    *json.RawMessage `json:"precompiled_charsmap"`
	Left        bool             `json:"strip_left"`
	Right       bool             `json:"strip_right"`
	Behavior    behavior         `json:"behavior"`
	Invert      bool             `json:"invert"`
	Individual  bool             `json:"individual_digits"`
	Mark        *string          `json:"replacement"`
	Scheme      *scheme          `json:"prepend_scheme"`
	PrefixSpace *bool            `json:"add_prefix_space"`
	Split       *bool            `json:"split"`
	UseRegex    *bool            `json:"use_regex"`
	Start       int              `json:"start"`
	Stop        int              `json:"stop"`
}

type stagePattern struct {
	String *string
	Regex  *string
}

// parseStage reads one; nil when there is none.
func parseStage(raw json.RawMessage) (*stage, error) {
	var s *stage
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	return s, json.Unmarshal(raw, &s)
}

func (s *stage) notImplemented(what string) error {
	return fmt.Errorf("%s of %.40q is not implemented", what, s.Type)
}

// parseNormalizer returns nil when there is nothing to do.
func parseNormalizer(raw json.RawMessage, depth int) (normalForm, error) {
	s, err := parseStage(raw)
	if s == nil || err != nil {
		return nil, err
	}
	switch s.Type {
	case "Sequence":
		if depth > maxDepth {
			return nil, errors.New("a sequence so deep")
		}
		var forms []normalForm
		for _, raw := range s.Normalizers {
			f, err := parseNormalizer(raw, depth+1)
			if err != nil {
				return nil, err
			}
			if f != nil {
				forms = append(forms, f)
			}
		}
		return formsInTurn(forms), nil
	case "NFC":
		return unicodeForm(norm.NFC), nil
	case "NFD":
		return unicodeForm(norm.NFD), nil
	case "NFKC":
		return unicodeForm(norm.NFKC), nil
	case "NFKD":
		return unicodeForm(norm.NFKD), nil
	case "Lowercase":
		return lowercase, nil
	case "Strip":
		return strip(s.Left, s.Right), nil
	case "Prepend":
		return prepend(s.Prepend), nil
	case "Replace":
		return s.replace()
	case "Precompiled":
		return s.charsmap()
	}
	return nil, fmt.Errorf("%.40q is not one that is implemented", s.Type)
}

func (s *stage) replace() (normalForm, error) {
	switch p := s.Pattern; {
	case p == nil:
		return nil, s.notImplemented("no pattern")
	case p.String != nil && *p.String != "":
		return replace(*p.String, s.Content), nil
	case p.Regex != nil && *p.Regex == " {2,}":
		return squeeze(s.Content), nil
	case p.Regex != nil:
		return nil, s.notImplemented(fmt.Sprintf("the pattern %.100q", *p.Regex))
	}
	return nil, s.notImplemented("an empty pattern")
}

func (s *stage) charsmap() (normalForm, error) {
	var text *string
	if s.Charsmap != nil {
		if err := json.Unmarshal(*s.Charsmap, &text); err != nil {
			return nil, err
		}
	}
	if text == nil || *text == "" {
		return nil, nil //nolint:nilnil // it does nothing
	}
	data, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		return nil, err
	}
	m, err := newCharsmap(data)
	if err != nil {
		return nil, fmt.Errorf("precompiled_charsmap: %w", err)
	}
	return m.clusters, nil
}

// preTokenizer sets how c cuts a text and reports whether its words are bytes.
func (f *codecFile) preTokenizer(c *Codec) (byteLevel bool, err error) {
	p := preTokenizers{noSpaces: replacesSpaces(f.Normalizer)}
	if err := p.parse(f.PreTokenizer, 0); err != nil {
		return false, err
	}
	if len(p.cutters) == 1 {
		c.whole = p.whole
	}
	c.cut = inTurn(p.cutters)
	return p.byteLevel, nil
}

// preTokenizers collects those of a file.
type preTokenizers struct {
	noSpaces  bool // the normal form of a text has none
	cutters   []cutter
	whole     func(string, int) int // the last one, when it is a pattern with a scanner
	byteLevel bool
}

func (p *preTokenizers) add(c cutter) {
	p.cutters, p.whole = append(p.cutters, c), nil
}

func (p *preTokenizers) parse(raw json.RawMessage, depth int) error {
	s, err := parseStage(raw)
	if s == nil || err != nil {
		return err
	}
	if p.byteLevel {
		return s.notImplemented("a pre-tokenizer behind ByteLevel")
	}
	switch s.Type {
	case "Sequence":
		if depth > maxDepth {
			return errors.New("a sequence so deep")
		}
		for _, raw := range s.PreTokenizers {
			if err := p.parse(raw, depth+1); err != nil {
				return err
			}
		}
	case "ByteLevel":
		p.byteLevel = true
		if isTrue(s.PrefixSpace) {
			p.add(prefixed)
		}
		if isTrue(s.UseRegex) {
			return p.regex(pattern.GPT2, isolated, false)
		}
	case "Split":
		return p.split(s)
	case "Digits":
		p.add(digits(s.Individual))
	case "WhitespaceSplit":
		p.add(spacesApart)
	case "Metaspace":
		m, err := s.metaspace()
		if err != nil {
			return err
		}
		p.add(m.cut)
	default:
		return fmt.Errorf("%.40q is not one that is implemented", s.Type)
	}
	return nil
}

func (p *preTokenizers) split(s *stage) error {
	switch {
	case s.Pattern != nil && s.Pattern.Regex != nil:
		return p.regex(*s.Pattern.Regex, s.Behavior, s.Invert)
	case s.Pattern == nil || s.Pattern.String == nil || *s.Pattern.String == "":
		return s.notImplemented("no pattern")
	case *s.Pattern.String == " " && p.noSpaces:
		return nil
	}
	cut := splitter(literal(*s.Pattern.String), s.Behavior, s.Invert)
	if cut == nil {
		return s.notImplemented(fmt.Sprintf("the behavior %.40q", s.Behavior))
	}
	p.add(cut)
	return nil
}

func (p *preTokenizers) regex(expr string, b behavior, invert bool) error {
	x, err := pattern.Compile(expr)
	if err != nil {
		return err
	}
	cut := splitter(x.Split, b, invert)
	if cut == nil {
		return fmt.Errorf("the behavior %.40q is not implemented", b)
	}
	p.add(cut)
	if b == isolated || b == removed && invert {
		p.whole = x.Whole()
	}
	return nil
}

// metaspace reads that pre-tokenizer or decoder. Older files have add_prefix_space for
// prepend_scheme.
func (s *stage) metaspace() (*metaspace, error) {
	m := &metaspace{mark: sentencePieceMark, scheme: prependAlways, split: isTrue(s.Split)}
	if s.Mark != nil && *s.Mark != m.mark {
		return nil, s.notImplemented(fmt.Sprintf("the replacement %.40q", *s.Mark))
	}
	if s.Scheme != nil {
		m.scheme = *s.Scheme
	} else if !isTrue(s.PrefixSpace) {
		m.scheme = prependNever
	}
	switch m.scheme {
	case prependAlways, prependFirst, prependNever:
		return m, nil
	}
	return nil, s.notImplemented(fmt.Sprintf("the scheme %.40q", m.scheme))
}

// decoder sets how c writes spaces.
func (f *codecFile) decoder(c *Codec, byteLevel bool) error {
	s, err := parseStage(f.Decoder)
	switch {
	case err != nil:
		return err
	case s == nil:
		return errors.New("a tokenizer without one is not implemented")
	case byteLevel != (s.Type == "ByteLevel"):
		return fmt.Errorf("%.40q does not fit the pre-tokenizer", s.Type)
	}
	stages := []*stage{s}
	if s.Type == "Sequence" {
		stages = nil
		for _, raw := range s.Decoders {
			part, err := parseStage(raw)
			if part == nil || err != nil {
				return errors.Join(errors.New("an empty part"), err)
			}
			stages = append(stages, part)
		}
	}
	for _, s := range stages {
		if err := s.decode(&c.spaces); err != nil {
			return err
		}
	}
	c.spaces.leadPart = c.spaces.lead > 0 && prefixesParts(f)
	return nil
}

// decode adds what one decoder does.
func (s *stage) decode(to *spaces) error {
	switch s.Type {
	case "ByteLevel", "Fuse":
		return nil
	case "ByteFallback":
		to.byteTokens = true
		return nil
	case "Replace":
		if p := s.Pattern; p != nil && p.String != nil && *p.String == sentencePieceMark && s.Content == " " {
			to.marks = true
			return nil
		}
		return s.notImplemented("another pattern than the mark of a space")
	case "Strip":
		if s.Content != " " || s.Stop != 0 || s.Start < 0 {
			return s.notImplemented("another side than the left one")
		}
		to.lead = s.Start
		return nil
	case "Metaspace":
		m, err := s.metaspace()
		if err != nil {
			return err
		}
		to.marks, to.leadAll = true, m.scheme != prependNever
		return nil
	}
	return fmt.Errorf("%.40q is not one that is implemented", s.Type)
}

// prefixesParts reports whether each part behind a special token gets a space.
func prefixesParts(f *codecFile) (found bool) {
	look := func(s *stage) {
		switch s.Type {
		case "Prepend":
			found = found || s.Prepend == sentencePieceMark || s.Prepend == " "
		case "Metaspace":
			m, err := s.metaspace()
			found = found || err == nil && m.scheme == prependAlways
		}
	}
	walk(f.Normalizer, 0, look)
	walk(f.PreTokenizer, 0, look)
	return found
}

// replacesSpaces reports whether a normalizer puts marks for all spaces.
func replacesSpaces(raw json.RawMessage) (found bool) {
	walk(raw, 0, func(s *stage) {
		spaces := s.Type == "Replace" && s.Pattern != nil && s.Pattern.String != nil && *s.Pattern.String == " "
		found = spaces && s.Content == sentencePieceMark // the last one decides
	})
	return found
}

// walk calls look for a stage, or for each of a sequence in turn.
func walk(raw json.RawMessage, depth int, look func(*stage)) {
	s, err := parseStage(raw)
	switch {
	case s == nil || err != nil || depth > maxDepth:
	case s.Type == "Sequence":
		for _, raw := range append(s.Normalizers, s.PreTokenizers...) {
			walk(raw, depth+1, look)
		}
	default:
		look(s)
	}
}
