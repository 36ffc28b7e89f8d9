package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outcrop-ai/outcrop/internal/ledger/segment"
)

// chunk is how much is encoded before it is written.
const chunk = 1 << 20

// keptRecords is the capacity above which an emptied batch is left to the garbage
// collector, so that one burst does not hold memory for ever.
const keptRecords = 2048

// writer moves records from the queue to the segments.
type writer struct {
	l       *Ledger
	log     *segment.Log
	flushes chan chan error
	dirty   chan struct{} // tells the syncer that something was committed

	batch   []Record // taken from the queue
	next    int      // first record of batch that is not encoded
	spare   []Record // to be swapped into the queue
	pending int      // records encoded and not known to be written
	payload []byte

	done chan struct{} // closed when run has returned
	err  error         // what could not be written; read after done
}

func newWriter(l *Ledger, log *segment.Log) *writer {
	return &writer{
		l: l, log: log,
		flushes: make(chan chan error),
		dirty:   make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
}

// run writes until the ledger stops, and then once more.
func (w *writer) run() {
	defer close(w.done)
	synced := make(chan struct{})
	go func() { // joined below
		defer close(synced)
		for range w.dirty {
			w.l.health.report("sync", w.log.Sync())
		}
	}()
	w.loop()
	w.err = w.drain()
	close(w.dirty)
	<-synced
	w.err = errors.Join(w.err, w.log.Close())
	if left := w.pending + len(w.batch) - w.next + w.l.queue.len(); left > 0 {
		w.l.lost.Add(int64(left))
		w.err = fmt.Errorf("ledger: %d records lost: %w", left, w.err)
	}
}

// flush returns once everything appended before is committed to a segment.
func (w *writer) flush(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case w.flushes <- reply:
		return <-reply // drain does not wait for anything but the disk
	case <-ctx.Done():
		return ctx.Err()
	case <-w.done:
		return ErrClosed
	}
}

// loop waits for a first record, gathers others for CommitEvery, and writes.
func (w *writer) loop() {
	timer := time.NewTimer(0)
	<-timer.C
	waiting := false // timer is set
	for {
		var reply chan error
		select {
		case <-w.l.stop:
			timer.Stop()
			return
		case <-w.l.queue.wake:
			if !waiting {
				timer.Reset(w.l.cfg.CommitEvery)
				waiting = true
			}
			continue
		case <-timer.C:
			waiting = false
		case <-w.l.queue.hurry:
		case reply = <-w.flushes:
		}
		err := w.drain()
		if err != nil {
			timer.Reset(w.l.cfg.RetryEvery)
			waiting = true
		}
		if reply != nil {
			reply <- err
		}
	}
}

// drain writes what is left of the last batch and all that is queued.
func (w *writer) drain() error {
	if err := w.writeBatch(); err != nil {
		return err
	}
	w.batch = w.l.queue.take(w.spare)
	w.spare = nil
	w.l.observe(w.batch)
	err := w.writeBatch()
	if err == nil {
		signal(w.dirty)
	}
	return err
}

// writeBatch encodes and commits the batch and keeps its memory for the next.
func (w *writer) writeBatch() error {
	for {
		for w.next < len(w.batch) && w.log.Pending() < chunk {
			w.payload = w.batch[w.next].encode(w.payload[:0])
			w.next++
			w.pending++
			if err := w.log.Add(w.payload); err != nil {
				// encode bounds every part, so this cannot be; and if it is, the
				// record is not to take the others with it.
				w.l.lost.Add(1)
			}
		}
		err := w.log.Commit()
		w.l.queue.setStuck(err != nil)
		w.l.health.report("write", err)
		if err != nil {
			return err
		}
		w.pending = 0
		if w.next == len(w.batch) {
			break
		}
	}
	clear(w.batch)
	if cap(w.batch) <= keptRecords {
		w.spare = w.batch[:0]
	}
	w.batch, w.next = nil, 0
	return nil
}
