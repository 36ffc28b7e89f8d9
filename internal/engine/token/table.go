package token

import "errors"

// Table is a tokenizer as GGUF files and llama2.c's tokenizer.bin hold it.
type Table struct {
	Model                          string // "gpt2", "llama", "t5"
	Pre                            string // the pre-tokenizer of a "gpt2" model, as llama.cpp names it
	Tokens                         []string
	Scores                         []float32
	Types                          []int32 // 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
	Merges                         []string
	Charsmap                       []byte // the precompiled normaliser of a "t5" model
	BOS, EOS, Unknown, Padding     int32  // -1: none
	AddBOS, AddEOS, AddSpacePrefix bool
	RemoveExtraWhitespaces         bool
	EndTokens                      []int32 // EOT, EOM
}

// Metadata is what a GGUF file says in its header.
type Metadata interface {
	String(key string) (string, bool)
	Int(key string) (int64, bool)
	Bool(key string) (bool, bool)
	Strings(key string) ([]string, bool)
	Ints(key string) ([]int64, bool)
	Floats(key string) ([]float32, bool)
}

var errNotBuilt = errors.New("not built yet")

// TableOf reads the keys tokenizer.ggml.*.
func TableOf(m Metadata) (*Table, error) { return nil, errNotBuilt }

// FromTable makes the codec of a table.
func FromTable(t *Table) (*Codec, error) { return nil, errNotBuilt }

// LoadCodec reads the tokenizer of a model's folder.
func LoadCodec(dir string) (*Codec, error) { return nil, errNotBuilt }

// ReadLlama2C reads the tokenizer.bin of llama2.c, which holds vocab tokens.
func ReadLlama2C(path string, vocab int) (*Codec, error) { return nil, errNotBuilt }
