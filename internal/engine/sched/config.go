package sched

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// Model is what the scheduler drives: a decoder, as arch.Decoder is one.
type Model interface {
	PageBytes() int // of kernel.PageTokens tokens
	Vocab() int
	Context() int // the most tokens of a sequence
	// Forward reads the spans and returns a row of Vocab logits for each token that
	// logits are wanted for. They are m's until its next pass.
	Forward(ctx context.Context, spans []arch.Span, m *arch.DecoderMemory) ([]float32, error)
}

// Config says what a Scheduler drives and how.
type Config struct {
	Model Model
	// Compute has the threads and kernels for sampling, usually the model's own. nil: one
	// thread of plain Go.
	Compute *kernel.Compute
	// CacheBytes is the most memory that keys and values may take. It is used as it is
	// needed. It must hold a page.
	CacheBytes int64
	// MaxSequences is how many requests run at the same time. 0: 8.
	MaxSequences int
	// Reserved is how many of these slots only requests with Reserved get. At least one
	// slot is for all. 0: none.
	Reserved int
	// MaxQueue is how many requests of one owner may wait; those of all owners together
	// may be four times as many. Reserved requests are counted by themselves. 0: 64.
	MaxQueue int
	// BatchTokens is the most prompt tokens that a step reads. 0: 512.
	BatchTokens int
	// StepTime is what a step should take at most while others wait for their next
	// tokens: fewer prompt tokens are read per step where they take longer. 0: 250 ms.
	StepTime time.Duration
	// Buffer is how many tokens wait for a consumer before its sequence pauses. 0: 32.
	Buffer int
	// StallLimit is how long a consumer may leave its buffer full before its run ends
	// with ErrStalled. 0: 2 minutes.
	StallLimit time.Duration
	// KeepFor is how long pages that nobody uses stay cached if no cache point says
	// otherwise and nobody else needs them. 0: 5 minutes.
	KeepFor time.Duration
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	c.MaxSequences = orDefault(c.MaxSequences, 8)
	c.MaxQueue = orDefault(c.MaxQueue, 64)
	c.BatchTokens = orDefault(c.BatchTokens, 512)
	c.StepTime = orDefault(c.StepTime, 250*time.Millisecond)
	c.Buffer = orDefault(c.Buffer, 32)
	c.StallLimit = orDefault(c.StallLimit, 2*time.Minute)
	c.KeepFor = orDefault(c.KeepFor, 5*time.Minute)
	return c
}

// validate reports everything that is wrong with a configuration that has its defaults.
func (c Config) validate() error {
	if c.Model == nil {
		return errors.New("sched: no model")
	}
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("sched: "+format, args...))
		}
	}
	check(c.Model.PageBytes() > 0 && c.Model.Vocab() > 0 && c.Model.Context() > 0, "the model has no size")
	check(c.CacheBytes >= int64(c.Model.PageBytes()), "a cache of %d bytes holds no page of %d", c.CacheBytes, c.Model.PageBytes())
	check(c.MaxSequences > 0, "%d sequences", c.MaxSequences)
	check(c.Reserved >= 0 && (c.Reserved == 0 || c.Reserved < c.MaxSequences), "%d of %d slots reserved", c.Reserved, c.MaxSequences)
	check(c.MaxQueue > 0, "a queue of %d", c.MaxQueue)
	check(c.BatchTokens > 0, "a batch of %d tokens", c.BatchTokens)
	check(c.StepTime > 0, "a step of %v", c.StepTime)
	check(c.Buffer > 0, "a buffer of %d tokens", c.Buffer)
	check(c.StallLimit > 0, "a stall limit of %v", c.StallLimit)
	check(c.KeepFor > 0, "keeping pages for %v", c.KeepFor)
	return errors.Join(errs...)
}

// orDefault returns v, or d if v is zero.
func orDefault[T int | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}
