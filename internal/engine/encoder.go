package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/safetensors"
	"github.com/outcrop-ai/outcrop/internal/engine/token"
)

// Encoder turns texts into vectors, or scores pairs of texts when the model ends in a
// classifier. It is safe for concurrent use; Close waits for nobody, so it comes when
// all calls have returned.
type Encoder struct {
	tokens    *token.WordPiece
	model     *arch.Bert
	set       *safetensors.Set
	compute   *kernel.Compute
	pipeline  *pipeline
	maxTokens int
	turns     chan *arch.BertMemory // working memory; having one is having a turn
}

// OpenEncoder loads the model of a Hugging Face or sentence-transformers folder. The
// compute is the caller's, and must not be closed before the encoder.
func OpenEncoder(dir string, compute *kernel.Compute) (_ *Encoder, err error) {
	p, err := readPipeline(dir)
	if err != nil {
		return nil, err
	}
	inner := filepath.Join(dir, p.transformer)
	text, err := readSmall(inner, "config.json")
	if err != nil {
		return nil, err
	}
	config, err := arch.ParseBertConfig(text)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	e := &Encoder{compute: compute, pipeline: p, maxTokens: config.Positions}
	if p.maxTokens > 0 {
		e.maxTokens = min(e.maxTokens, p.maxTokens)
	}
	if e.tokens, err = token.Load(inner); err != nil {
		return nil, err
	}
	if e.tokens.Size() > config.Words {
		return nil, fmt.Errorf("the tokenizer has %d tokens, the model %d", e.tokens.Size(), config.Words)
	}
	if e.set, err = safetensors.OpenDir(inner); err != nil {
		return nil, err
	}
	if e.model, err = arch.LoadBert(config, e.set, compute); err != nil {
		return nil, errors.Join(err, e.set.Close())
	}
	e.set.Forget()
	e.turns = make(chan *arch.BertMemory, compute.Threads())
	for range cap(e.turns) {
		e.turns <- &arch.BertMemory{}
	}
	return e, nil
}

// Close gives the model's files back. Nothing may be called afterwards.
func (e *Encoder) Close() error { return e.set.Close() }

// Size implements Model: what the weights take in their files, which is more than stays
// in memory.
func (e *Encoder) Size() int64 {
	var n int64
	for _, name := range e.set.Names() {
		n += int64(e.set.Tensor(name).Size())
	}
	return n
}

// Dimensions is the length of the vectors.
func (e *Encoder) Dimensions() int { return e.model.Hidden }

// MaxTokens is how many tokens of a text are read, special ones included. What comes
// after them is left out.
func (e *Encoder) MaxTokens() int { return e.maxTokens }

// Reranks reports whether the model scores pairs of texts instead of making vectors.
func (e *Encoder) Reranks() bool { return e.model.Classifies() }

// Embeddings are the vectors of texts.
type Embeddings struct {
	Vectors [][]float32 // one per text
	Tokens  int         // of all texts, before they were cut, without special ones
}

// EmbedOptions change what Embed does. The zero value is the model's own way.
type EmbedOptions struct {
	Normalize bool // to unit length, also where the model does not
	// TextTokens bounds the tokens of each text: a longer one is ErrTooLong. Zero: no
	// bound, only the first MaxTokens are read.
	TextTokens int
}

// Embed returns the vectors of texts, in their order.
func (e *Encoder) Embed(ctx context.Context, texts []string, o EmbedOptions) (*Embeddings, error) {
	if e.Reranks() {
		return nil, errors.New("the model scores pairs of texts and has no vectors")
	}
	out := &Embeddings{Vectors: make([][]float32, 0, len(texts))}
	normalize := o.Normalize || e.pipeline.normalize
	b := e.batch(ctx, func(states []float32) error {
		out.Vectors = append(out.Vectors, e.pool(states, normalize))
		return nil
	})
	for i, text := range texts {
		enc := e.tokens.Encode(text, e.maxTokens)
		if o.TextTokens > 0 && enc.Tokens > o.TextTokens {
			return nil, &TooLongError{Text: i, Tokens: enc.Tokens, Limit: o.TextTokens}
		}
		out.Tokens += enc.Tokens
		if err := b.add(enc); err != nil {
			return nil, err
		}
	}
	return out, b.flush()
}

// TooLongError is a text with more tokens than its caller allows. It is ErrTooLong.
type TooLongError struct {
	Text, Tokens, Limit int
}

// Error implements error.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("text %d has %d tokens, the limit is %d", e.Text, e.Tokens, e.Limit)
}

// Is makes the error match ErrTooLong.
func (e *TooLongError) Is(target error) bool { return target == ErrTooLong }

// Scores are a reranker's answers.
type Scores struct {
	// Values has one raw score per document: the classifier's only label, or the last
	// one of several. Larger is nearer to the query; a sigmoid makes it 0 to 1.
	Values []float32
	Tokens int // of all pairs, before they were cut
}

// Score says how near each document is to the query.
func (e *Encoder) Score(ctx context.Context, query string, documents []string) (*Scores, error) {
	if !e.Reranks() {
		return nil, errors.New("the model makes vectors and scores no pairs")
	}
	out := &Scores{Values: make([]float32, 0, len(documents))}
	b := e.batch(ctx, func(states []float32) error {
		labels, err := e.model.Classify(states[:e.model.Hidden])
		if err == nil {
			out.Values = append(out.Values, labels[len(labels)-1])
		}
		return err
	})
	for _, d := range documents {
		enc := e.tokens.EncodePair(query, d, e.maxTokens)
		out.Tokens += enc.Tokens
		if err := b.add(enc); err != nil {
			return nil, err
		}
	}
	return out, b.flush()
}

// pool makes one vector of a text's hidden states.
func (e *Encoder) pool(states []float32, normalize bool) []float32 {
	h := e.model.Hidden
	v := slices.Clone(states[:h])
	if e.pipeline.pooling == poolMean {
		for at := h; at < len(states); at += h {
			e.compute.Axpy(v, states[at:at+h], 1)
		}
		e.compute.Scale(v, float32(h)/float32(len(states)))
	}
	if normalize {
		e.compute.Normalize(v)
	}
	return v
}
