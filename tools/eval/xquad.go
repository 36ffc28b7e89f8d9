package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// given is how many paragraphs a question gets: the right one and others.
const given = 10

type paragraph struct{ ID, Title, Text string }

type xquery struct {
	ID, Text string
	Answers  []string
}

type relevant struct{ Query, Doc string }

// xquad asks questions with the paragraph that answers them and nine others: the
// nearest by BM25, and, in a second run, nine picked by a fixed seed.
//
// hit: a quoted sentence stands in the right paragraph and holds an answer.
// F1: of the reply's words against the answer's, as SQuAD has it; "span F1" looks
// only at what a reply puts in front of its quotation.
func xquad(ctx context.Context, dir string, subjects []subject, failures *os.File) error {
	all := dir
	dir = filepath.Join(dir, "rag-xquad")
	corpus, err := readLines[paragraph](filepath.Join(dir, "corpus.jsonl"))
	if err != nil {
		return err
	}
	queries, err := readLines[xquery](filepath.Join(dir, "queries.dev.jsonl"))
	if err != nil {
		return err
	}
	if queries, err = unheld(all, queries, func(q xquery) string { return q.Text }); err != nil {
		return err
	}
	qrels, err := readLines[relevant](filepath.Join(dir, "qrels.dev.jsonl"))
	if err != nil {
		return err
	}
	gold := map[string]string{}
	for _, r := range qrels {
		gold[r.Query] = r.Doc
	}
	terms := make([][]string, len(corpus))
	for i, p := range corpus {
		terms[i] = text.Terms(p.Title + " " + p.Text)
	}
	index := text.NewBM25(terms)
	fmt.Printf("\nAnswers: XQuAD (en, dev), %d questions, %d paragraphs given\n", len(queries), given)
	fmt.Printf("%-14s %-10s %8s %8s %8s %8s\n", "model", "others", "hit", "F1", "span F1", "cited")
	for _, others := range []string{"nearest", "random"} {
		for _, s := range subjects {
			var sum xscore
			for i, q := range queries {
				docs := choose(corpus, index, q, gold[q.ID], others == "random", i)
				score, reply, err := askXQuAD(ctx, s.model, q, docs, gold[q.ID])
				if err != nil {
					return fmt.Errorf("%s: %w", q.ID, err)
				}
				sum.add(score)
				if s.name == subjects[0].name && others == "nearest" && (score.hit == 0 || score.span < 0.5) {
					note(failures, "xquad %s hit=%v span=%.2f\n  Q: %s\n  gold: %q\n  got: %s\n", q.ID, score.hit, score.span, q.Text, q.Answers, reply)
				}
			}
			n := float64(len(queries))
			fmt.Printf("%-14s %-10s %8.3f %8.3f %8.3f %8.3f\n", s.name, others, sum.hit/n, sum.f1/n, sum.span/n, sum.cited/n)
		}
	}
	return absent(ctx, corpus, queries, gold, subjects)
}

// absent asks the same questions with ten paragraphs of other articles, none of
// which answers; "declined" is the share of replies that quote nothing.
func absent(ctx context.Context, corpus []paragraph, queries []xquery, gold map[string]string, subjects []subject) error {
	fmt.Printf("%-14s %-10s %8s\n", "model", "others", "declined")
	for _, s := range subjects {
		declined := 0.0
		for i, q := range queries {
			article, _, _ := strings.Cut(gold[q.ID], "#")
			var foreign []paragraph
			for _, p := range corpus {
				if !strings.HasPrefix(p.ID, article+"#") {
					foreign = append(foreign, p)
				}
			}
			r := rand.New(rand.NewPCG(2, uint64(i))) //nolint:gosec // a fixed choice
			r.Shuffle(len(foreign), func(i, j int) { foreign[i], foreign[j] = foreign[j], foreign[i] })
			score, _, err := askXQuAD(ctx, s.model, q, foreign[:given], "")
			if err != nil {
				return fmt.Errorf("%s: %w", q.ID, err)
			}
			declined += 1 - score.quoted
		}
		fmt.Printf("%-14s %-10s %8.3f\n", s.name, "absent", declined/float64(len(queries)))
	}
	return nil
}

type xscore struct{ hit, f1, span, cited, quoted float64 }

func (s *xscore) add(o xscore) {
	s.hit += o.hit
	s.f1 += o.f1
	s.span += o.span
	s.cited += o.cited
}

// choose returns the right paragraph among nine others, in the corpus's order.
func choose(corpus []paragraph, index *text.BM25, q xquery, gold string, random bool, seed int) []paragraph {
	order := make([]int, len(corpus))
	for i := range order {
		order[i] = i
	}
	if random {
		r := rand.New(rand.NewPCG(1, uint64(seed))) //nolint:gosec // a fixed choice
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	} else {
		scores := index.Scores(text.Terms(q.Text))
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	}
	var picked []int
	for _, i := range order {
		if len(picked) < given-1 && corpus[i].ID != gold {
			picked = append(picked, i)
		}
		if corpus[i].ID == gold {
			picked = append(picked, i)
		}
	}
	slices.Sort(picked)
	docs := make([]paragraph, 0, given)
	for _, i := range picked {
		docs = append(docs, corpus[i])
	}
	return docs
}

func askXQuAD(ctx context.Context, m llm.ChatModel, q xquery, docs []paragraph, gold string) (xscore, string, error) {
	var blocks []llm.Block
	right := ""
	for _, d := range docs {
		blocks = append(blocks, &llm.Document{Format: "txt", Name: strings.ReplaceAll(d.ID, "#", " "), Text: d.Text, Citations: true})
		if d.ID == gold {
			right = d.Text
		}
	}
	blocks = append(blocks, &llm.Text{Text: q.Text})
	resp, err := llm.Collect(m.Chat(ctx, &llm.ChatRequest{Messages: []llm.Message{{Role: llm.User, Content: blocks}}}))
	if err != nil {
		return xscore{}, "", err
	}
	var s xscore
	var reply, lead strings.Builder
	for _, b := range resp.Message.Content {
		var quoted string
		switch b := b.(type) {
		case *llm.Text:
			reply.WriteString(b.Text)
			quoted = b.Text
			if quoted != "" && slices.ContainsFunc(docs, func(d paragraph) bool { return strings.Contains(d.Text, quoted) }) {
				s.quoted = 1
			}
			if before, _, ok := strings.Cut(b.Text, " — "); ok && lead.Len() == 0 {
				lead.WriteString(before)
			}
		case *llm.Citations:
			reply.WriteString(b.Text)
			quoted = b.Text
			s.quoted = 1
			for _, c := range b.Citations {
				if docs[c.Location.Index].ID == gold {
					s.cited = 1
				}
			}
		}
		for _, a := range q.Answers {
			if strings.Contains(right, strings.TrimSpace(quoted)) && quoted != "" && strings.Contains(quoted, strings.TrimSpace(a)) {
				s.hit = 1
			}
		}
	}
	span := lead.String()
	if span == "" {
		span = reply.String()
	}
	for _, a := range q.Answers {
		s.f1 = max(s.f1, tokenF1(reply.String(), a))
		s.span = max(s.span, tokenF1(span, a))
	}
	return s, reply.String(), nil
}

// tokenF1 is the harmonic mean of precision and recall of words, without case,
// marks and articles.
func tokenF1(got, want string) float64 {
	g, w := squadWords(got), squadWords(want)
	count := map[string]int{}
	for _, x := range w {
		count[x]++
	}
	same := 0
	for _, x := range g {
		if count[x] > 0 {
			count[x]--
			same++
		}
	}
	if same == 0 {
		return 0
	}
	p, r := float64(same)/float64(len(g)), float64(same)/float64(len(w))
	return 2 * p * r / (p + r)
}

func squadWords(s string) []string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPunct(r) || unicode.IsSymbol(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	var out []string
	for w := range strings.FieldsSeq(s) {
		if w != "a" && w != "an" && w != "the" {
			out = append(out, w)
		}
	}
	return out
}
