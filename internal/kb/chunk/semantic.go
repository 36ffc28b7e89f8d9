package chunk

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/document"
)

// Semantic ends passages where the subject changes: at headings, and where sentences
// that follow one another are less alike than most are.
type Semantic struct {
	MaxTokens int
	// BufferSize is how many sentences on either side a sentence is compared with: 0 or 1.
	BufferSize int
	// BreakpointPercentile of the differences of a document's neighbouring sentences
	// belong within a passage; what differs more ends one. 50 to 99.
	BreakpointPercentile int
	Embed                Embedder
}

// embedAtOnce bounds the texts of one call of an Embedder.
const embedAtOnce = 64

// Validate implements Strategy.
func (s Semantic) Validate() error {
	return errors.Join(
		positive("maxTokens", s.MaxTokens),
		within("bufferSize", s.BufferSize, 0, 1),
		within("breakpointPercentileThreshold", s.BreakpointPercentile, 50, 99),
	)
}

// Split implements Strategy.
func (s Semantic) Split(ctx context.Context, d *document.Document, c Counter) (*Chunks, error) {
	pieces, err := cut(ctx, d, c, s.MaxTokens)
	if err != nil || len(pieces) == 0 {
		return &Chunks{}, err
	}
	far, err := s.distances(ctx, pieces)
	if err != nil {
		return nil, err
	}
	limit := percentile(far, s.BreakpointPercentile)
	out := &Chunks{}
	from := 0
	for to := 1; to <= len(pieces); to++ {
		if to < len(pieces) && !ends(pieces, far, limit, to) {
			continue
		}
		part := pieces[from:to]
		for _, r := range pack(part, s.MaxTokens, 0) {
			out.Chunks = append(out.Chunks, join(part[r.from:r.to], -1))
		}
		from = to
	}
	return out, nil
}

// ends reports whether a passage ends before a piece. A heading stays with what follows.
func ends(pieces []piece, far []float64, limit float64, at int) bool {
	return !pieces[at-1].heading && (pieces[at].heading || far[at-1] > limit)
}

// distances returns how much each piece differs from the one after it.
func (s Semantic) distances(ctx context.Context, pieces []piece) ([]float64, error) {
	texts := make([]string, len(pieces))
	for i := range pieces {
		var b strings.Builder
		for k := max(i-s.BufferSize, 0); k <= min(i+s.BufferSize, len(pieces)-1); k++ {
			b.WriteString(pieces[k].text)
			b.WriteByte(' ')
		}
		texts[i] = b.String()
	}
	far := make([]float64, 0, len(pieces))
	var last []float32
	for part := range slices.Chunk(texts, embedAtOnce) {
		vectors, err := s.Embed(ctx, part)
		if err != nil {
			return nil, err
		}
		if len(vectors) != len(part) {
			return nil, errors.New("the embedding model gives another number of vectors than there are texts")
		}
		for _, v := range vectors {
			if last != nil {
				far = append(far, 1-cosine(last, v))
			}
			last = v
		}
	}
	return far, nil
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range min(len(a), len(b)) {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// percentile returns the value that p per cent of the values do not exceed, between two
// of them if need be.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := float64(p) / 100 * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}
