package reader

import (
	"slices"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// What a quoted answer may be long.
const (
	minCover     = 0.3  // of the question's words, below which nothing is answered
	nearScore    = 0.9  // of the best, above which a second sentence is quoted for a fact
	sameScore    = 0.75 // of the best, above which another sentence also answers
	maxQuoted    = 4    // sentences of an answer that is no list
	maxListed    = 20
	maxSentences = 600 // characters of a sentence that are quoted
)

// answer answers an ask from the material.
func answer(m *material, a *ask) []llm.Block {
	if reply := smallTalk(a); reply != "" {
		return []llm.Block{&llm.Text{Text: reply}}
	}
	if reply := classify(m, a); reply != "" {
		return []llm.Block{&llm.Text{Text: reply}}
	}
	q := analyse(a.question)
	if len(m.sentences) == 0 || a.question == "" {
		return []llm.Block{&llm.Text{Text: nothing(m, a, q)}}
	}
	if q.wants == wantSummary {
		return summarise(m)
	}
	r := newRanker(m, q)
	hits := r.rank()
	if len(hits) == 0 || hits[0].cover < minCover {
		return []llm.Block{&llm.Text{Text: unsaid(m, a, q)}}
	}
	c := &composer{m: m}
	switch {
	case q.wants == wantManner || q.wants == wantList:
		r.list(c, hits)
	case q.wants.fact():
		r.fact(c, hits)
	default:
		r.prose(c, hits)
	}
	m.notes(c)
	return c.blocks
}

// fact answers with the sentence that holds it, the fact itself in front.
func (r *ranker) fact(c *composer, hits []hit) {
	s := &r.m.sentences[hits[0].sentence]
	if short := r.short(s); short != "" && len(short) < len(s.show)*3/4 {
		c.say(short + " — ")
	}
	c.quote(s, clip(s.show))
	if len(hits) > 1 && hits[1].score >= nearScore*hits[0].score {
		c.say("\n")
		c.quote(&r.m.sentences[hits[1].sentence], clip(r.m.sentences[hits[1].sentence].show))
	}
}

// prose answers with the best sentence and those that are nearly as good, in the
// order of their source.
func (r *ranker) prose(c *composer, hits []hit) {
	picked := []int{hits[0].sentence}
	for _, h := range hits[1:min(len(hits), maxQuoted)] {
		if h.score < sameScore*hits[0].score || h.cover < minCover {
			break
		}
		picked = append(picked, h.sentence)
	}
	// A sentence that points back is not understood without the one before it.
	if first := hits[0].sentence; first > 0 && pointsBack(r.m.sentences[first].show) && r.m.sentences[first-1].passage == r.m.sentences[first].passage && !slices.Contains(picked, first-1) {
		picked = append(picked, first-1)
	}
	// What explains often comes right after.
	if w := r.q.wants; len(picked) == 1 && (w == wantReason || w == wantManner || w == wantDefinition) {
		if next := picked[0] + 1; next < len(r.m.sentences) && r.m.sentences[next].passage == r.m.sentences[picked[0]].passage {
			picked = append(picked, next)
		}
	}
	slices.Sort(picked)
	for i, p := range picked {
		if i > 0 {
			c.say(" ")
		}
		c.quote(&r.m.sentences[p], clip(r.m.sentences[p].show))
	}
}

// list answers with the list that the best sentence is in or introduces, in its
// order; without a list, as prose.
func (r *ranker) list(c *composer, hits []hit) {
	from, to := r.listAround(hits)
	if to-from < 2 {
		r.prose(c, hits)
		return
	}
	if from > 0 && strings.HasSuffix(r.m.sentences[from-1].show, ":") {
		c.quote(&r.m.sentences[from-1], r.m.sentences[from-1].show)
		c.say("\n")
	}
	for i := from; i < to; i++ {
		s := &r.m.sentences[i]
		if i > from {
			c.say("\n")
		}
		switch {
		case s.item > 0:
			c.say(strconv.Itoa(s.item) + ". ")
		case s.item < 0:
			c.say("- ")
		}
		c.quote(s, clip(s.show))
	}
}

// listAround returns the items of the list at or right after one of the best hits.
func (r *ranker) listAround(hits []hit) (from, to int) {
	for _, h := range hits[:min(len(hits), 3)] {
		i := h.sentence
		if r.m.sentences[i].item == 0 {
			for n := 1; n <= 2 && i < len(r.m.sentences) && r.m.sentences[i].item == 0; n++ {
				i++
			}
		}
		if i >= len(r.m.sentences) || r.m.sentences[i].item == 0 || r.m.sentences[i].src != r.m.sentences[h.sentence].src {
			continue
		}
		from, to = i, i+1
		for from > 0 && r.m.sentences[from-1].item != 0 && r.m.sentences[from-1].src == r.m.sentences[i].src {
			from--
		}
		for to < len(r.m.sentences) && to-from < maxListed && r.m.sentences[to].src == r.m.sentences[i].src && r.m.sentences[to].item != 0 {
			to++
		}
		return from, to
	}
	return 0, 0
}

// clip shortens an endless sentence.
func clip(s string) string {
	if len(s) <= maxSentences {
		return s
	}
	cut := strings.LastIndexByte(s[:maxSentences], ' ')
	if cut <= 0 {
		cut = maxSentences
		for cut > 0 && s[cut]&0xC0 == 0x80 {
			cut--
		}
	}
	return s[:cut] + " …"
}

// notes says what of the request was not read.
func (m *material) notes(c *composer) {
	if note := m.unreadNote(); note != "" {
		c.say("\n\n" + note)
	}
	if m.cut {
		c.say("\n\nNote: the request holds more text than this model reads; the end was left out.")
	}
}
