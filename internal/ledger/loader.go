package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/ledger/segment"
)

const (
	// loadBatch is how many records go into one transaction.
	loadBatch = 1024
	// loadBacklog is how far behind the writer the loader may rest.
	loadBacklog = 64 << 20
	// retainEvery is how often old days are looked for.
	retainEvery = time.Hour
)

// loader moves records from the segments to the databases of their days.
type loader struct {
	l        *Ledger
	log      *segment.Log
	dir      string // of the segments
	first    int64  // the lowest segment that this process writes
	requests chan chan error
	done     chan struct{} // closed when run has returned

	reader   *segment.Reader // of segment readerID; nil when none is open
	readerID int64
	decoder  decoder
	batch    []Record
	retained time.Time // when old days were last looked for

	loaded    atomic.Int64 // records
	tornBytes atomic.Int64
}

func newLoader(l *Ledger, log *segment.Log, dir string) *loader {
	return &loader{
		l: l, log: log, dir: dir,
		first:    log.Position().ID,
		requests: make(chan chan error),
		done:     make(chan struct{}),
	}
}

// run loads until the writer has ended and then what is left, as far as ctx allows.
func (o *loader) run(ctx context.Context) {
	defer close(o.done)
	defer o.closeReader()
	timer := time.NewTimer(0) // what an earlier process left is loaded at once
	defer timer.Stop()
	for {
		var reply chan error
		ended := false
		select {
		case <-timer.C:
		case reply = <-o.requests:
		case <-o.l.writer.done:
			ended = true
		}
		err := o.pass(ctx, reply != nil || ended)
		if ctx.Err() == nil {
			o.l.health.report("load", err)
		}
		if reply != nil {
			reply <- err
		}
		if ended {
			return
		}
		timer.Reset(o.l.cfg.LoadEvery)
	}
}

// flush returns once all that was committed to segments before is in the databases.
func (o *loader) flush(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case o.requests <- reply:
	case <-ctx.Done():
		return ctx.Err()
	case <-o.done:
		return ErrClosed
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pass loads what is committed, in the order in which it was appended, and deletes
// what is done with. When it hurries it does not rest in between.
func (o *loader) pass(ctx context.Context, hurry bool) error {
	if err := o.keepFolder(ctx); err != nil {
		return err
	}
	end := o.log.Position()
	ids, err := segment.List(o.dir)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if id >= o.first {
			// The sums in memory are those of this process; what is in the databases
			// before its first record is loaded is from the time before.
			if err := o.l.minutes.restore(ctx, o.l.reader.days); err != nil {
				return err
			}
		}
		limit := int64(-1)
		if id == end.ID {
			limit = end.Offset
		}
		if err := o.loadSegment(ctx, id, limit, hurry); err != nil {
			o.closeReader() // and begin again: what was loaded is passed over
			return fmt.Errorf("segment %d: %w", id, err)
		}
		if id == end.ID {
			break
		}
	}
	return o.retain()
}

// loadSegment loads a segment up to limit. One without a limit will not grow, and is
// deleted at its end.
func (o *loader) loadSegment(ctx context.Context, id, limit int64, hurry bool) error {
	if o.reader != nil && o.readerID != id {
		o.closeReader()
	}
	if o.reader == nil {
		r, err := segment.OpenReader(o.dir, id)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		o.reader, o.readerID = r, id
	}
	for {
		began := time.Now()
		err := o.readBatch(id, limit)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, segment.ErrCorrupt) {
			return err
		}
		if err := o.loadBatch(ctx, id); err != nil {
			return err
		}
		if err != nil && limit < 0 {
			return o.finish(id, err)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err // what was written is not what is there
		}
		if !hurry {
			o.rest(time.Since(began))
		}
	}
}

// readBatch reads the next records of the open segment into the batch. It returns
// io.EOF or segment.ErrCorrupt, and the batch, at the segment's end.
func (o *loader) readBatch(id, limit int64) error {
	clear(o.batch)
	o.batch = o.batch[:0]
	for len(o.batch) < loadBatch {
		payload, index, err := o.reader.Next(limit)
		if err != nil {
			return err
		}
		r, err := o.decoder.decode(payload)
		if err != nil {
			// Its checksum was right, so it was written like this, by a program that
			// is not ours or newer than its data allows.
			o.l.lost.Add(1)
			o.l.logger.Error("ledger: record cannot be read", "segment", id, "index", index, "error", err)
			continue
		}
		r.Seq = seqOf(id, index)
		o.batch = append(o.batch, r)
	}
	return nil
}

// loadBatch loads the batch into the databases of its days.
func (o *loader) loadBatch(ctx context.Context, id int64) error {
	for len(o.batch) > 0 {
		n := sameDay(o.batch)
		if err := o.l.reader.days.use(ctx, dayOf(o.batch[0].Time), true, func(d *dayStore) error {
			loaded, err := d.load(ctx, id, o.batch[:n])
			o.loaded.Add(int64(loaded))
			return err
		}); err != nil {
			return err
		}
		o.batch = o.batch[n:]
	}
	return nil
}

// sameDay returns how many records at the beginning are of one day.
func sameDay(records []Record) int {
	const seconds = 24 * 60 * 60
	first := floorDiv(records[0].Time.Unix(), seconds)
	for i := range records {
		if floorDiv(records[i].Time.Unix(), seconds) != first {
			return i
		}
	}
	return len(records)
}

// floorDiv divides and rounds down, also before 1970.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// finish deletes a segment that is loaded to its end. One that is torn is what a crash
// leaves; one that is corrupt is kept under another name for whoever wants to look.
func (o *loader) finish(id int64, end error) error {
	rest, err := o.reader.Rest()
	if err != nil {
		return err
	}
	o.closeReader()
	path := segment.Path(o.dir, id)
	if rest == 0 {
		return os.Remove(path)
	}
	o.tornBytes.Add(rest)
	if errors.Is(end, segment.ErrCorrupt) {
		o.l.logger.Error("ledger segment is corrupt: its end is lost", "segment", id, "bytes", rest, "kept", path+".corrupt")
		return os.Rename(path, path+".corrupt")
	}
	o.l.logger.Warn("ledger segment is torn, as after a crash", "segment", id, "bytes", rest)
	return os.Remove(path)
}

// rest leaves the processor to others for as long as the loader has just held it,
// unless it is far behind.
func (o *loader) rest(worked time.Duration) {
	if segmentBytes(o.dir) > loadBacklog {
		return
	}
	timer := time.NewTimer(worked)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-o.l.stop:
	}
}

// retain deletes the days that are older than the retention.
func (o *loader) retain() error {
	now := o.l.cfg.now()
	if o.l.cfg.RetentionDays < 0 || now.Sub(o.retained).Abs() < retainEvery {
		return nil
	}
	all, err := o.l.reader.days.list()
	if err != nil {
		return err
	}
	oldest := dayOf(now.AddDate(0, 0, -o.l.cfg.RetentionDays))
	for _, d := range all {
		if d >= oldest {
			break
		}
		if err := o.l.reader.days.remove(d); err != nil {
			return fmt.Errorf("retention of %s: %w", d, err)
		}
		o.l.logger.Info("ledger day is beyond retention and deleted", "day", string(d))
	}
	o.retained = now
	return nil
}

func (o *loader) closeReader() {
	if o.reader != nil {
		_ = o.reader.Close() // only read
		o.reader = nil
	}
}

// segmentBytes returns the size of the segments in dir, as far as it can be told.
func segmentBytes(dir string) (size int64) {
	ids, _ := segment.List(dir)
	for _, id := range ids {
		if info, err := os.Stat(segment.Path(dir, id)); err == nil {
			size += info.Size()
		}
	}
	return size
}
