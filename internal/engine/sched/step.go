package sched

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
)

// step runs what plan has planned through the model. It reports whether that was anything.
func (s *Scheduler) step(ctx context.Context) bool {
	s.batch = s.batch[:0]
	for _, q := range s.running {
		if q.chunk > 0 {
			s.batch = append(s.batch, q)
		}
	}
	if len(s.batch) == 0 {
		return false
	}
	s.lookAhead()
	start := time.Now()
	err := s.pass(ctx, s.batch)
	s.lookedAhead()
	s.counts.Steps++
	if err != nil {
		s.oneByOne(ctx, err)
		return true
	}
	prompts := 0
	for _, q := range s.batch {
		if q.chunk > 1 {
			prompts += q.chunk
		}
	}
	s.pace.observe(prompts, time.Since(start))
	s.choose(s.batch)
	return true
}

// lookAhead lets the constraints compute their masks while the model runs.
func (s *Scheduler) lookAhead() {
	s.masks = s.masks[:0]
	for _, q := range s.batch {
		if q.req.Constraint != nil && q.chooses() {
			s.masks = append(s.masks, q)
		}
	}
	if len(s.masks) > 0 {
		s.toLook <- s.masks
	}
}

// lookedAhead waits for the masks.
func (s *Scheduler) lookedAhead() {
	if len(s.masks) > 0 {
		<-s.looked
	}
}

// lookLoop computes masks, one step's at a time.
func (s *Scheduler) lookLoop() {
	defer close(s.looked)
	for batch := range s.toLook {
		for _, q := range batch {
			q.look()
		}
		s.looked <- struct{}{}
	}
}

// pass runs the sequences' chunks through the model and hands them their logits.
func (s *Scheduler) pass(ctx context.Context, batch []*sequence) error {
	s.spans = s.spans[:0]
	rows := 0
	for _, q := range batch {
		span := arch.Span{IDs: q.tokens[q.computed:][:q.chunk], Start: q.computed, Pages: q.pages.Pages()}
		if q.chooses() {
			span.Logits = 1
			rows++
		}
		s.spans = append(s.spans, span)
	}
	vocab := s.cfg.Model.Vocab()
	var logits []float32
	err := guard("the model", func() (err error) {
		logits, err = s.cfg.Model.Forward(ctx, s.spans, s.memory)
		if err == nil && len(logits) != rows*vocab {
			err = fmt.Errorf("the model computed %d logits, not %d rows of %d", len(logits), rows, vocab)
		}
		return err
	})
	clear(s.spans)
	if err != nil {
		s.memory = new(arch.DecoderMemory) // whatever state the old one is in
		return err
	}
	for _, q := range batch {
		q.logits = nil
		if q.chooses() {
			q.logits, logits = logits[:vocab:vocab], logits[vocab:]
		}
	}
	return nil
}

// oneByOne repeats a step that failed for each sequence alone, so that only those fail whose
// own fault it is. Keys and values are computed again, which does no harm.
func (s *Scheduler) oneByOne(ctx context.Context, err error) {
	s.counts.FailedSteps++
	alone := len(s.batch) == 1
	for _, q := range s.batch {
		if ctx.Err() != nil {
			return // it is being closed: that ends them all
		}
		s.one[0] = q
		if !alone {
			err = s.pass(ctx, s.one[:])
		}
		switch {
		case err == nil:
			s.choose(s.one[:])
		case ctx.Err() == nil:
			s.finish(q, Unfinished, err)
		}
	}
	s.one[0] = nil
}

// choose chooses the next tokens of a batch that the model has read.
func (s *Scheduler) choose(batch []*sequence) {
	s.choosing = s.choosing[:0]
	for _, q := range batch {
		if q.logits != nil {
			s.choosing = append(s.choosing, q)
		}
	}
	s.compute.Run(len(s.choosing), s.chooseAt)
	for _, q := range batch {
		s.settle(q)
	}
}

// chooseOne is a task: sequences choose at the same time.
func (s *Scheduler) chooseOne(i int) {
	q := s.choosing[i]
	defer q.rescue()
	q.choose()
}

// settle takes what became of a sequence's chunk.
func (s *Scheduler) settle(q *sequence) {
	if q.chunk > 1 || q.generated() == 0 {
		q.owner.served += int64(q.chunk)
		s.counts.PromptTokens += int64(q.chunk)
	} else {
		q.owner.served += chosenWork
	}
	q.read()
	if q.logits == nil {
		return
	}
	q.logits = nil
	if q.err != nil {
		s.finish(q, Unfinished, q.err)
		return
	}
	if q.generated() == 0 {
		q.result.Prefill = time.Since(q.admitted)
	}
	generated := q.generated()
	finish, err := q.accept()
	s.counts.Generated += int64(q.generated() - generated)
	if finish != Unfinished || err != nil {
		s.finish(q, finish, err)
	}
}

// finish ends a sequence, wherever it is.
func (s *Scheduler) finish(q *sequence, why Finish, err error) {
	switch {
	case q.pages != nil:
		s.leave(q)
	case slices.Contains(s.parked, q):
		q.owner.parked--
		s.parked = slices.DeleteFunc(s.parked, func(o *sequence) bool { return o == q })
	default:
		q.owner.dequeue(q)
	}
	if q.admitted.IsZero() {
		q.result.Queued = time.Since(q.queued)
		s.leaveQueue(q)
	}
	s.counts.CachedTokens += int64(q.result.Cached)
	if err != nil {
		s.counts.Failed++
	} else {
		s.counts.Finished++
	}
	q.result.Finish, q.result.Prompt = why, len(q.req.Prompt)
	q.result.Generated, q.result.Stored = q.generated(), q.stored()
	q.run.end(q.result, err)
	s.changed = true
	if !q.owner.active() {
		s.owners.forget()
	}
}
