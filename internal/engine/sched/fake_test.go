package sched

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/sample"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	fakeVocab = 100
	cell      = 8 // bytes of a page for a token: its ID and its place
	pageBytes = cell * kernel.PageTokens
	page      = kernel.PageTokens
)

// fakeModel computes logits from the tokens that it finds in the pages, and nothing else: a
// page that is lost, mixed up or not computed shows in what is generated. Tokens take time.
type fakeModel struct {
	context  int
	perStep  time.Duration
	perToken time.Duration
	// fail makes a step fail or panic. It is called with the first tokens of the sequences.
	fail func(names string) error
	// broken is the letter of sequences whose logits are no numbers.
	broken byte

	mu     sync.Mutex
	steps  []string
	spoilt *arch.DecoderMemory // was in use when a pass failed
}

func (m *fakeModel) PageBytes() int { return pageBytes }
func (m *fakeModel) Vocab() int     { return fakeVocab }
func (m *fakeModel) Context() int   { return m.context }

// name is the letter of a sequence: its first token.
func name(first int32) string { return string('a' + first%26) }

func (m *fakeModel) Forward(ctx context.Context, spans []arch.Span, memory *arch.DecoderMemory) ([]float32, error) {
	if memory == nil || memory == m.spoilt {
		return nil, errors.New("no memory, or such as can't be used any more")
	}
	var logits []float32
	var log, names strings.Builder
	total := 0
	for _, s := range spans {
		if len(s.IDs) == 0 || len(s.Pages)*page < s.Start+len(s.IDs) || s.Start+len(s.IDs) > m.context {
			return nil, fmt.Errorf("%d pages for %d+%d tokens", len(s.Pages), s.Start, len(s.IDs))
		}
		for i, id := range s.IDs {
			at := s.Start + i
			b := s.Pages[at/page][at%page*cell:]
			binary.LittleEndian.PutUint32(b, uint32(id))
			binary.LittleEndian.PutUint32(b[4:], uint32(at))
		}
		h := newHash()
		for at := range s.Start + len(s.IDs) {
			b := s.Pages[at/page][at%page*cell:]
			if got := binary.LittleEndian.Uint32(b[4:]); got != uint32(at) {
				return nil, fmt.Errorf("place %d has what belongs to %d", at, got)
			}
			h = h.add(int32(binary.LittleEndian.Uint32(b)))
		}
		if s.Logits > 0 {
			logits = append(logits, h.logits()...)
		}
		n := name(int32(binary.LittleEndian.Uint32(s.Pages[0])))
		if s.Logits > 0 && n[0] == m.broken {
			logits[len(logits)-1] = float32(math.NaN())
		}
		names.WriteString(n)
		fmt.Fprintf(&log, " %s%d", n, s.Start)
		if len(s.IDs) > 1 {
			fmt.Fprintf(&log, "-%d", s.Start+len(s.IDs))
		}
		total += len(s.IDs)
	}
	if m.fail != nil {
		m.spoilt = memory
		if err := m.fail(names.String()); err != nil {
			return nil, err
		}
		m.spoilt = nil
	}
	m.mu.Lock()
	m.steps = append(m.steps, strings.TrimSpace(log.String()))
	m.mu.Unlock()
	if d := m.perStep + time.Duration(total)*m.perToken; d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return logits, nil
}

// log returns the steps since the last call, one a line: each sequence's letter, the first
// token that it read and the end if there are more.
func (m *fakeModel) log() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := strings.Join(m.steps, "\n")
	m.steps = nil
	return s
}

// hash stands for what a model knows after some tokens.
type hash uint64

func newHash() hash { return 14695981039346656037 }

func (h hash) add(id int32) hash { return (h ^ hash(id+1)) * 1099511628211 }

// logits makes a row of it.
func (h hash) logits() []float32 {
	row := make([]float32, fakeVocab)
	x := uint64(h)
	for i := range row {
		x = x*6364136223846793005 + 1442695040888963407
		row[i] = float32(x>>40) / (1 << 21) // 0 … 8
	}
	return row
}

// want is what a request must lead to, computed without scheduler and cache.
func want(t *testing.T, r Request, limit int) (ids []int32, finish Finish) {
	t.Helper()
	c, err := kernel.New(kernel.Config{Threads: 1, ISA: kernel.ISAGo})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := sample.New(r.Sampling, fakeVocab, c)
	s.Prompt(r.Prompt)
	h := newHash()
	for _, id := range r.Prompt {
		h = h.add(id)
	}
	for {
		var mask []uint64
		if r.Constraint != nil {
			mask = make([]uint64, (fakeVocab+63)/64)
			if err := r.Constraint.Mask(mask); err != nil {
				t.Fatal(err)
			}
		}
		id, err := s.Sample(h.logits(), mask)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(r.Ends, id) {
			return ids, End
		}
		if r.Constraint != nil {
			if err := r.Constraint.Accept(id); err != nil {
				t.Fatal(err)
			}
		}
		s.Accept(id)
		h = h.add(id)
		ids = append(ids, id)
		switch {
		case r.Constraint != nil && r.Constraint.Done():
			return ids, Constrained
		case len(ids) == r.MaxTokens:
			return ids, Length
		case len(r.Prompt)+len(ids) == limit:
			return ids, ContextFull
		}
	}
}

// multiples allows tokens that are multiples of a number which grows with each, a few times.
type multiples struct {
	by, left int32
	panics   bool
	fails    error
}

func (m *multiples) Mask(bits []uint64) error {
	if m.panics {
		panic("a broken constraint")
	}
	for i := int32(0); i < fakeVocab; i += m.by {
		bits[i/64] |= 1 << (i % 64)
	}
	return m.fails
}

func (m *multiples) Accept(id int32) error {
	if id%m.by != 0 {
		return fmt.Errorf("%d is no multiple of %d", id, m.by)
	}
	m.by++
	m.left--
	return nil
}

func (m *multiples) Done() bool { return m.left == 0 }

// newScheduler returns a scheduler of a fake model with a number of pages.
func newScheduler(t *testing.T, m *fakeModel, pages int, c Config) *Scheduler {
	t.Helper()
	if m.context == 0 {
		m.context = 1 << 20
	}
	c.Model, c.CacheBytes = m, int64(pages)*pageBytes
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// newWarm returns one that reads as many prompt tokens in a step as it may, as it does after
// many steps that took no time.
func newWarm(t *testing.T, m *fakeModel, pages int, c Config) *Scheduler {
	t.Helper()
	m.context = 1 << 20
	c.Model, c.CacheBytes = m, int64(pages)*pageBytes
	s, err := prepare(c)
	if err != nil {
		t.Fatal(err)
	}
	s.pace.perToken, s.pace.seen = 0, 1<<30
	s.run()
	t.Cleanup(s.Close)
	return s
}

// prompt makes n tokens of which the first is a letter's.
func prompt(letter byte, n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(letter-'a')*3 + int32(i*i)%11
	}
	ids[0] = int32(letter - 'a')
	return ids
}

// start starts a request that must be taken.
func start(t *testing.T, s *Scheduler, r Request) *Run {
	t.Helper()
	run, err := s.Start(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// collect reads a run to its end.
func collect(r *Run) (ids []int32, err error) {
	for tok, err := range r.Tokens() {
		if err != nil {
			return ids, err
		}
		ids = append(ids, tok.ID)
	}
	return ids, nil
}

// outcome is a run that is read in the background.
type outcome struct {
	ids  []int32
	err  error
	done chan struct{}
}

func background(r *Run) *outcome {
	o := &outcome{done: make(chan struct{})}
	go func() {
		defer close(o.done)
		o.ids, o.err = collect(r)
	}()
	return o
}

// idle wants nothing to be held by anybody. The scheduler has closed or waits.
func idle(t *testing.T, s *Scheduler) {
	t.Helper()
	st := s.Stats()
	if st.Running+st.Waiting+st.Suspended+st.Cache.Used != 0 {
		t.Errorf("something is left: %+v", st)
	}
	if err := s.cache.Check(nil); err != nil {
		t.Error(err)
	}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func isNaN(v float32) bool { return math.IsNaN(float64(v)) }
