// Package token turns text into the token IDs that a model was trained on.
//
// It reads Hugging Face's tokenizer.json (and BERT's older vocab.txt) and gives
// exactly the IDs that the reference implementation gives: a model's quality
// depends on it, so the tests compare whole texts and every code point with it.
//
// One family is built: WordPiece (BERT, MiniLM, BGE, E5). A further one, such as
// byte-level BPE, brings a file with its model, and its normalizer and
// pre-tokenizer if they are new; the added tokens (added.go) and the templates
// that put special tokens around a text (template.go) belong to all of them.
//
// Nothing in a file is trusted: sizes are bounded, and parts that this package
// does not implement are errors that name them. Tokenizers are immutable and safe
// for concurrent use.
package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFile bounds the files of a tokenizer. The largest in use have some 35 MB.
const maxFile = 128 << 20

// maxVocabulary bounds the number of tokens.
const maxVocabulary = 1 << 21

// Encoding is a text, or a pair of texts, as a model reads it.
type Encoding struct {
	IDs []int32
	// Types says of each token which text it belongs to: 0 for the first, 1 for the
	// second. Nil: all are 0.
	Types []int32
	// Tokens is the number of tokens that the text has without special ones, before
	// it was cut.
	Tokens int
}

// Load reads the tokenizer of a model's folder: tokenizer.json, else vocab.txt with
// tokenizer_config.json.
func Load(dir string) (*WordPiece, error) {
	text, err := readFile(filepath.Join(dir, "tokenizer.json"))
	if err == nil {
		w, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("tokenizer.json: %w", err)
		}
		return w, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	vocab, err := readFile(filepath.Join(dir, "vocab.txt"))
	if err != nil {
		return nil, fmt.Errorf("no tokenizer.json, and %w", err)
	}
	options := struct {
		Lower   *bool `json:"do_lower_case"`
		Accents *bool `json:"strip_accents"`
		Chinese *bool `json:"tokenize_chinese_chars"`
	}{}
	if text, err := readFile(filepath.Join(dir, "tokenizer_config.json")); err == nil {
		if err := json.Unmarshal(text, &options); err != nil {
			return nil, fmt.Errorf("tokenizer_config.json: %w", err)
		}
	}
	n := normalizer{clean: true, chinese: isTrue(options.Chinese), lower: isTrue(options.Lower)}
	n.strip = n.lower
	if options.Accents != nil {
		n.strip = *options.Accents
	}
	return fromVocabulary(vocab, n)
}

// isTrue reads a flag whose default is true.
func isTrue(b *bool) bool { return b == nil || *b }

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", filepath.Base(path), maxFile>>20)
	}
	return text, nil
}
