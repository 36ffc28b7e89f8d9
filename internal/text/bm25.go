package text

import "math"

// BM25 ranks the documents of a fixed collection, each a list of terms, for
// queries of terms (Robertson and Zaragoza, The Probabilistic Relevance Framework,
// 2009). It is safe for concurrent use once made.
type BM25 struct {
	ids      map[string]int32
	postings [][]posting
	length   []float64 // of each document over the mean
}

type posting struct {
	doc   int32
	count int32
}

// The usual parameters: how fast repetition saturates, and how much length counts.
const (
	bm25K = 1.2
	bm25B = 0.6
)

// NewBM25 indexes documents.
func NewBM25(docs [][]string) *BM25 {
	x := &BM25{ids: map[string]int32{}, length: make([]float64, len(docs))}
	total := 0
	for d, terms := range docs {
		total += len(terms)
		for _, t := range terms {
			id, ok := x.ids[t]
			if !ok {
				id = int32(len(x.postings)) //nolint:gosec // fewer terms than memory holds
				x.ids[t] = id
				x.postings = append(x.postings, nil)
			}
			list := x.postings[id]
			if n := len(list); n > 0 && int(list[n-1].doc) == d {
				list[n-1].count++
			} else {
				x.postings[id] = append(list, posting{doc: int32(d), count: 1})
			}
		}
	}
	mean := float64(total) / float64(max(len(docs), 1))
	for d, terms := range docs {
		x.length[d] = float64(len(terms)) / max(mean, 1)
	}
	return x
}

// IDF returns how much a term tells documents apart; for a term that no document
// has, it is the greatest value of all.
func (x *BM25) IDF(term string) float64 {
	n := 0.0
	if id, ok := x.ids[term]; ok {
		n = float64(len(x.postings[id]))
	}
	return math.Log(1 + (float64(len(x.length))-n+0.5)/(n+0.5))
}

// Scores returns each document's score for a query. A term counts as often as the
// query has it.
func (x *BM25) Scores(query []string) []float64 {
	scores := make([]float64, len(x.length))
	for _, t := range query {
		x.Add(scores, t, 1)
	}
	return scores
}

// Add adds one term's share, times weight, to scores, which has an entry per document.
func (x *BM25) Add(scores []float64, term string, weight float64) {
	id, ok := x.ids[term]
	if !ok {
		return
	}
	idf := x.IDF(term) * weight
	for _, p := range x.postings[id] {
		f := float64(p.count)
		scores[p.doc] += idf * f * (bm25K + 1) / (f + bm25K*(1-bm25B+bm25B*x.length[p.doc]))
	}
}
