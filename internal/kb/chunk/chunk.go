// Package chunk cuts documents into the passages that a knowledge base embeds,
// finds and cites.
//
// All strategies work on pieces (piece.go): a heading, a sentence, a list item, a
// few rows of a table, some lines of code, each with its length in tokens as the
// embedding model counts them. A strategy decides which neighbouring pieces make a
// passage; none cuts through a sentence unless the sentence alone is too long, and a
// table that is divided repeats its head. Every passage knows the headings it stands
// under and the page it begins on.
//
// The package calls no model but the one it is given, and stores nothing.
package chunk

import (
	"context"
	"errors"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/document"
)

// Chunk is a passage of a document.
type Chunk struct {
	// Text is what is embedded, found and cited, as Markdown.
	Text   string
	Tokens int // of Text, as the counter counts its pieces
	// Headings are those it stands under, the outermost first; the document's title is
	// not one of them.
	Headings []string
	Page     int // that it begins on, from 1; zero where the format has none
	// Parent is the index in Chunks.Parents of the passage that is returned in its
	// place, -1 when that is the chunk itself.
	Parent int
}

// Chunks are the passages of one document, in its order.
type Chunks struct {
	Chunks  []Chunk
	Parents []Chunk // of Hierarchical; nil otherwise
}

// Counter says how many tokens a text has for the embedding model, special ones left
// out.
type Counter interface {
	CountTokens(text string) int
}

// Embedder turns texts into vectors, one for each, in order.
type Embedder func(ctx context.Context, texts []string) ([][]float32, error)

// Strategy cuts documents. Its implementations are Fixed, Hierarchical, Semantic and
// Whole; all are safe for concurrent use.
type Strategy interface {
	// Validate reports what is wrong with the strategy's limits.
	Validate() error
	// Split cuts a document. A document without text has no chunks.
	Split(ctx context.Context, d *document.Document, c Counter) (*Chunks, error)
}

var (
	_ Strategy = Fixed{}
	_ Strategy = Hierarchical{}
	_ Strategy = Semantic{}
	_ Strategy = Whole{}
)

// Default is what knowledge bases use that say nothing about chunks.
func Default() Strategy { return Fixed{MaxTokens: 300, OverlapPercentage: 20} }

// Fixed makes passages of at most MaxTokens, each of which repeats the end of the one
// before it.
type Fixed struct {
	MaxTokens         int
	OverlapPercentage int // of MaxTokens, 1 to 99; zero: no overlap
}

// Validate implements Strategy.
func (f Fixed) Validate() error {
	return errors.Join(
		positive("maxTokens", f.MaxTokens),
		within("overlapPercentage", f.OverlapPercentage, 0, 99),
	)
}

// Split implements Strategy.
func (f Fixed) Split(ctx context.Context, d *document.Document, c Counter) (*Chunks, error) {
	pieces, err := cut(ctx, d, c, f.MaxTokens)
	if err != nil {
		return nil, err
	}
	out := &Chunks{}
	for _, r := range pack(pieces, f.MaxTokens, f.MaxTokens*f.OverlapPercentage/100) {
		out.Chunks = append(out.Chunks, join(pieces[r.from:r.to], -1))
	}
	return out, nil
}

// Hierarchical makes large passages and cuts each into small ones: the small ones are
// matched with a query, the large ones returned.
type Hierarchical struct {
	ParentTokens, ChildTokens int
	OverlapTokens             int // of neighbouring children, and of neighbouring parents
}

// Validate implements Strategy.
func (h Hierarchical) Validate() error {
	if h.ChildTokens > h.ParentTokens {
		return fmt.Errorf("the children's %d tokens are more than the parents' %d", h.ChildTokens, h.ParentTokens)
	}
	return errors.Join(
		positive("parent maxTokens", h.ParentTokens),
		positive("child maxTokens", h.ChildTokens),
		within("overlapTokens", h.OverlapTokens, 0, max(h.ChildTokens-1, 0)),
	)
}

// Split implements Strategy.
func (h Hierarchical) Split(ctx context.Context, d *document.Document, c Counter) (*Chunks, error) {
	pieces, err := cut(ctx, d, c, h.ChildTokens)
	if err != nil {
		return nil, err
	}
	out := &Chunks{}
	for parent, r := range pack(pieces, h.ParentTokens, h.OverlapTokens) {
		own := pieces[r.from:r.to]
		out.Parents = append(out.Parents, join(own, -1))
		for _, child := range pack(own, h.ChildTokens, h.OverlapTokens) {
			out.Chunks = append(out.Chunks, join(own[child.from:child.to], parent))
		}
	}
	return out, nil
}

// Whole makes one passage of a document.
type Whole struct{}

// Validate implements Strategy.
func (Whole) Validate() error { return nil }

// Split implements Strategy.
func (Whole) Split(ctx context.Context, d *document.Document, c Counter) (*Chunks, error) {
	const unbounded = 1 << 30
	pieces, err := cut(ctx, d, c, unbounded)
	if err != nil || len(pieces) == 0 {
		return &Chunks{}, err
	}
	return &Chunks{Chunks: []Chunk{join(pieces, -1)}}, nil
}

func positive(name string, n int) error {
	if n < 1 {
		return fmt.Errorf("%s is %d: it has to be at least 1", name, n)
	}
	return nil
}

func within(name string, n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%s is %d: it has to be %d to %d", name, n, low, high)
	}
	return nil
}
