// Package token turns text into the token IDs that a model was trained on, and back.
//
// It reads Hugging Face's tokenizer.json (and BERT's older vocab.txt), the tokenizers
// of GGUF files and llama2.c's tokenizer.bin, and gives exactly the IDs that the
// reference implementations give: a model's quality depends on it, so the tests
// compare whole texts and every code point with Hugging Face's tokenizers and with
// SentencePiece.
//
// # Codecs
//
// Codec is for models that generate text. It holds one of three models:
//
//   - byte-level BPE (GPT-2, Llama 3, Qwen, SmolLM, DeepSeek, Tekken): bpe.go over bytes,
//     with the words that package pattern cuts;
//   - SentencePiece's BPE (Llama 2, Mistral, Gemma): bpe.go over characters, with tokens
//     for the bytes of those that the vocabulary lacks;
//   - unigram (T5, XLM-R): unigram.go, the best path by Viterbi's method.
//
// A text goes through five steps. Added tokens are found in it (added.go) and split it;
// each part is brought to its normal form (normal.go, unicodeform.go, charsmap.go), cut
// into words (cut.go), and each word into tokens. Words that were met before are
// remembered in a table of fixed size (known.go). The way back is decoder.go: each token
// adds its bytes, and characters come out whole.
//
// The text of a prompt comes in segments with their provenance. Control tokens are
// only looked for in what a template wrote, never in what a user wrote, and no merge
// makes one: the marks between the turns of a chat can't be forged.
//
// A family is added with its parts: codecparts.go names the normalizers,
// pre-tokenizers and decoders of tokenizer.json, pretokenizer.go those that GGUF files
// name, and package pattern reads their expressions.
//
// # WordPiece
//
// WordPiece is for encoders (BERT, MiniLM, BGE, E5). It has normal forms and words of
// its own (normalize.go), and puts special tokens around a text itself (template.go);
// a Codec leaves that to the chat template.
//
// # Limits
//
// Nothing in a file is trusted: sizes are bounded, the tables' hash functions are
// seeded by chance, long words take n·log n steps, and parts that this package does not
// implement are errors that name them. Not built: dropout, subword prefixes and
// suffixes, words of bytes that are cut again, and pre-tokenizers that need a
// dictionary. Tokenizers are immutable and safe for concurrent use.
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
const maxFile = 64 << 20

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
