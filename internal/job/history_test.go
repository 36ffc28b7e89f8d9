package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/db/dbtest"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// modelJob is what the table should say of a job.
type modelJob struct {
	Job
	Owner string
	Lease int64
}

// holder is a run that a process began, and may have lost since.
type holder struct {
	q     *Queue
	run   *Run
	cause func() error // why its context has ended
}

// history runs random operations of several processes on a queue and, beside it, on a
// model of it that is a map and a page of code, and compares them after each step.
type history struct {
	t     *testing.T
	db    *db.DB
	rng   *rand.Rand
	now   time.Time
	qs    []*Queue
	held  []holder
	jobs  map[string]*modelJob
	ended int // jobs that ever got a final state
}

const historyLease = 15 * time.Second

var historyKinds = []Kind{
	{Name: "a", MaxAttempts: 2, Backoff: func(int) time.Duration { return 4 * time.Second }},
	{Name: "b", MaxAttempts: 3, Concurrency: 1, Backoff: func(n int) time.Duration { return time.Duration(n) * time.Second }},
}

// A random history leads to what the model says, on both databases; every job that ends
// is settled once, however many processes died or came too late.
func TestHistory(t *testing.T) {
	t.Parallel()
	seeds, steps := 2, 250
	switch {
	case testing.Short():
		seeds = 1
	case os.Getenv("OUTCROP_SOAK") != "":
		seeds, steps = 40, 1000
	}
	dbtest.EachURL(t, func(t *testing.T, url string) {
		d := dbtest.Open(t, url)
		base := rand.Uint64()
		for i := range seeds {
			seed := base + uint64(i)
			h := &history{
				t: t, db: d, rng: rand.New(rand.NewPCG(seed, 1)), jobs: map[string]*modelJob{},
				now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
			}
			h.reset()
			for step := range steps {
				what := h.step()
				h.compare()
				if t.Failed() {
					t.Fatalf("seed %d, step %d: after %s", seed, step, what)
				}
			}
		}
	})
}

func (h *history) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) reset() {
	h.qs = []*Queue{h.open(), h.open(), h.open()}
	for _, s := range []string{
		"DELETE FROM job", "DROP TABLE IF EXISTS ended", "CREATE TABLE ended (id TEXT PRIMARY KEY, state TEXT NOT NULL)",
	} {
		_, err := h.db.Exec(h.t.Context(), s)
		h.must(err)
	}
}

func (h *history) open() *Queue {
	q, err := Open(h.t.Context(), Config{DB: h.db, Concurrency: 3, Lease: historyLease, Retention: time.Minute})
	h.must(err)
	q.clock.local = func() time.Time { return h.now }
	q.clock.offsetMS.Store(0)
	for _, k := range historyKinds {
		k.Run = func(context.Context, *Run) error { return errors.New("not called: the history ends runs itself") }
		k.Settled = func(ctx context.Context, tx *db.Tx, j Job) error {
			_, err := tx.Exec(ctx, "INSERT INTO ended (id, state) VALUES (?, ?)", j.ID, string(j.State)) // a second one is a conflict
			return err
		}
		h.must(q.Register(k))
	}
	return q
}

func (h *history) step() string {
	switch n := h.rng.IntN(100); {
	case n < 22:
		return h.enqueue()
	case n < 47:
		return h.claim()
	case n < 55:
		return h.beat()
	case n < 64:
		return h.checkpoint()
	case n < 82:
		return h.end()
	case n < 88:
		return h.cancel()
	case n < 90:
		return h.crash()
	case n < 91:
		return h.sweep()
	default:
		d := time.Duration(h.rng.IntN(9000)) * time.Millisecond
		h.now = h.now.Add(d)
		return fmt.Sprintf("waiting %v", d)
	}
}

func (h *history) ms() int64 { return h.now.UnixMilli() }

func (h *history) enqueue() string {
	s := Spec{
		Account: string(rune('A' + h.rng.IntN(3))), Kind: string(rune('a' + h.rng.IntN(2))),
		Priority: h.rng.IntN(2), Payload: []byte{byte(h.rng.IntN(2))},
	}
	if h.rng.IntN(2) == 0 {
		s.Key = fmt.Sprint(h.rng.IntN(6))
	}
	if h.rng.IntN(4) == 0 {
		s.NotBefore = h.now.Add(time.Duration(h.rng.IntN(10)-3) * time.Second)
	}
	got, err := h.qs[h.rng.IntN(len(h.qs))].Enqueue(h.t.Context(), s)
	for _, j := range h.jobs {
		if s.Key == "" || j.Key != s.Key || j.Account != s.Account || j.Kind != s.Kind {
			continue
		}
		if same := string(j.Payload) == string(s.Payload); same && (err != nil || got.ID != j.ID) || !same && !fault.Is(err, fault.Conflict) {
			h.t.Errorf("enqueue with a known key, same payload %v: got %s, %v, want %s", same, got.ID, err, j.ID)
		}
		return "enqueue with a known key"
	}
	h.must(err)
	due := h.now
	if s.NotBefore.After(due) {
		due = s.NotBefore
	}
	h.jobs[got.ID] = &modelJob{Job: Job{
		ID: got.ID, Account: s.Account, Kind: s.Kind, Key: s.Key, Priority: s.Priority, State: Queued,
		Payload: s.Payload, Created: h.now, Due: due,
	}}
	if diff := gocmp.Diff(got, h.jobs[got.ID].Job); diff != "" {
		h.t.Errorf("enqueued (-got +want):\n%s", diff)
	}
	return "enqueue " + got.ID
}

func (h *history) claim() string {
	q := h.qs[h.rng.IntN(len(h.qs))]
	kinds := q.free()
	if len(kinds) == 0 {
		return "nothing: the queue is full"
	}
	want := h.next(q, kinds)
	got, ok, err := q.claim(h.t.Context(), kinds)
	h.must(err)
	if want == nil || !ok {
		if ok || want != nil {
			h.t.Errorf("claim of %v: got %q, want %v", kinds, got.ID, want)
		}
		return "claim of nothing"
	}
	want.State, want.Owner, want.Lease, want.Started = Running, q.owner, h.ms()+historyLease.Milliseconds(), h.now
	want.Turn++
	want.Attempt++
	if diff := gocmp.Diff(got, want.Job); diff != "" {
		h.t.Errorf("claimed (-got +want):\n%s", diff)
	}
	ctx, r := q.begin(h.t.Context(), got, time.Now())
	hold := holder{q, r, func() error { return context.Cause(ctx) }}
	h.held = append(h.held, hold)
	if got.CancelRequested || got.Attempt > r.kind.MaxAttempts { // ends before it begins
		q.execute(ctx, r)
		h.drop(hold)
		h.finish(want, Cancelled)
		if !got.CancelRequested {
			want.State, want.Error = Failed, fmt.Sprintf("the process that ran the job ended %d times in a row", r.kind.MaxAttempts)
		}
	}
	return "claim " + got.ID
}

// next is the order of jobs, said in another way.
func (h *history) next(q *Queue, kinds []string) *modelJob {
	var abandoned, waiting []*modelJob
	busy, served := map[string]int{}, map[string]int64{}
	for _, j := range h.jobs {
		if j.State == Running {
			busy[j.Account]++
		}
		if !j.Started.IsZero() {
			served[j.Account] = max(served[j.Account], j.Started.UnixMilli())
		}
		switch {
		case !slices.Contains(kinds, j.Kind) || q.active[j.ID] != nil:
		case j.State == Running && j.Lease <= h.ms():
			abandoned = append(abandoned, j)
		case j.State == Queued && !j.Due.After(h.now):
			waiting = append(waiting, j)
		}
	}
	if len(abandoned) > 0 {
		return slices.MinFunc(abandoned, func(a, b *modelJob) int {
			return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Lease, b.Lease), cmp.Compare(a.ID, b.ID))
		})
	}
	if len(waiting) == 0 {
		return nil
	}
	return slices.MinFunc(waiting, func(a, b *modelJob) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(busy[a.Account], busy[b.Account]),
			cmp.Compare(served[a.Account], served[b.Account]), cmp.Compare(a.ID, b.ID))
	})
}

func (h *history) drop(d holder) {
	d.q.end(d.run)
	h.held = slices.DeleteFunc(h.held, func(o holder) bool { return o.run == d.run })
}

// holds returns the job of a run that has not lost it.
func (h *history) holds(d holder) *modelJob {
	j := h.jobs[d.run.job.ID]
	if j == nil || j.State != Running || j.Turn != d.run.job.Turn {
		return nil
	}
	return j
}

func (h *history) any() (holder, bool) {
	if len(h.held) == 0 {
		return holder{}, false
	}
	return h.held[h.rng.IntN(len(h.held))], true
}

func (h *history) beat() string {
	q := h.qs[h.rng.IntN(len(h.qs))]
	runs := q.running()
	if len(runs) == 0 {
		return "no heartbeat"
	}
	k := keeper{queue: q}
	h.must(k.look(h.t.Context(), runs))
	for _, d := range h.held {
		if d.q != q {
			continue
		}
		j := h.holds(d)
		cause := d.cause()
		switch {
		case j == nil:
			if !errors.Is(cause, ErrLost) && !errors.Is(cause, ErrCancelled) {
				h.t.Errorf("a run that lost its job goes on: %v", cause)
			}
			continue
		case j.CancelRequested && !errors.Is(cause, ErrCancelled):
			h.t.Errorf("a run whose job was cancelled goes on: %v", cause)
		case !j.CancelRequested && cause != nil:
			h.t.Errorf("a run that holds its job was ended: %v", cause)
		}
		j.Lease = h.ms() + historyLease.Milliseconds()
		j.Progress = d.run.lastProgress()
	}
	return "heartbeat"
}

func (h *history) checkpoint() string {
	d, ok := h.any()
	if !ok {
		return "nothing"
	}
	data := []byte{byte(h.rng.IntN(3))}
	d.run.Progress(int64(h.rng.IntN(100)), 100, "some\x00thing")
	err := d.run.Checkpoint(h.t.Context(), data)
	j := h.holds(d)
	if j == nil {
		if !errors.Is(err, ErrLost) {
			h.t.Errorf("checkpoint of a lost job: %v", err)
		}
		return "checkpoint of a lost job"
	}
	h.must(err)
	if string(j.Checkpoint) != string(data) {
		j.Attempt = 1
	}
	j.Checkpoint, j.Progress = data, d.run.lastProgress()
	return "checkpoint " + j.ID
}

func (h *history) finish(j *modelJob, s State) {
	j.State, j.Owner, j.Lease, j.Finished = s, "", 0, h.now
	h.ended++
}

func (h *history) end() string {
	d, ok := h.any()
	if !ok {
		return "nothing"
	}
	defer h.drop(d)
	o := outcome{verdict: []verdict{succeeded, succeeded, failed, retried, retried, cancelled, released}[h.rng.IntN(7)], err: errors.New("bad luck")}
	err := d.q.write(h.t.Context(), d.run, o)
	j := h.holds(d)
	if j == nil {
		if !errors.Is(err, ErrLost) && !fault.Is(err, fault.NotFound) {
			h.t.Errorf("end %d of a lost job: %v", o.verdict, err)
		}
		return "end of a lost job"
	}
	h.must(err)
	j.Progress = d.run.lastProgress()
	switch {
	case o.verdict == succeeded:
		h.finish(j, Succeeded)
		j.Error = ""
	case o.verdict == cancelled:
		h.finish(j, Cancelled)
	case o.verdict == released:
		j.State, j.Owner, j.Lease, j.Due = Queued, "", 0, h.now
		j.Attempt--
	case o.verdict == retried && j.CancelRequested:
		h.finish(j, Cancelled)
		j.Error = "bad luck"
	case o.verdict == failed || j.Attempt >= d.run.kind.MaxAttempts:
		h.finish(j, Failed)
		j.Error = "bad luck"
	default:
		j.State, j.Owner, j.Lease, j.Error = Queued, "", 0, "bad luck"
		h.adoptDue(j, d.run.kind.Backoff(j.Attempt))
	}
	return fmt.Sprintf("end %d of %s", o.verdict, j.ID)
}

// adoptDue takes over a random pause, if it is in bounds.
func (h *history) adoptDue(j *modelJob, pause time.Duration) {
	got, err := h.qs[0].Get(h.t.Context(), j.ID)
	h.must(err)
	j.Due = got.Due
	if wait := got.Due.Sub(h.now); wait < pause*3/4 || wait > pause*5/4 {
		h.t.Errorf("retry after %v, want about %v", wait, pause)
	}
}

func (h *history) cancel() string {
	ids := make([]string, 0, len(h.jobs))
	for id := range h.jobs {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return "nothing"
	}
	slices.Sort(ids)
	j := h.jobs[ids[h.rng.IntN(len(ids))]]
	got, err := h.qs[h.rng.IntN(len(h.qs))].Cancel(h.t.Context(), j.ID)
	switch j.State {
	case Succeeded, Failed:
		if !fault.Is(err, fault.Conflict) {
			h.t.Errorf("cancel of a finished job: %v", err)
		}
		return "cancel of a finished job"
	case Queued:
		h.finish(j, Cancelled)
		j.Due = h.now
		if j.CancelRequested { // the wish stands already
			j.Due = got.Due
		}
		j.CancelRequested = true
	case Running:
		j.CancelRequested = true
	case Cancelled:
	}
	h.must(err)
	return "cancel " + j.ID
}

// crash ends a process: its runs are not heard of again, except that one may not have
// noticed yet and goes on writing.
func (h *history) crash() string {
	i := h.rng.IntN(len(h.qs))
	dead := h.qs[i]
	for _, d := range slices.Clone(h.held) {
		if d.q == dead && h.rng.IntN(2) == 0 {
			h.drop(d)
		}
	}
	h.qs[i] = h.open()
	return "crash"
}

func (h *history) sweep() string {
	q := h.qs[0]
	before := h.now.Add(-q.cfg.Retention)
	_, err := q.store.sweep(h.t.Context(), before.UnixMilli(), 1000)
	h.must(err)
	for id, j := range h.jobs {
		if j.State.Finished() && j.Finished.Before(before) {
			delete(h.jobs, id)
		}
	}
	return "sweep"
}

func (h *history) compare() {
	h.t.Helper()
	got := map[string]*modelJob{}
	all, err := db.All(h.t.Context(), h.db, scanJob, selectJob)
	h.must(err)
	for _, j := range all {
		got[j.ID] = &modelJob{Job: j}
	}
	_, err = db.All(h.t.Context(), h.db, func(row db.Scanner) (struct{}, error) {
		var id, owner string
		var lease int64
		err := row.Scan(&id, &owner, &lease)
		got[id].Owner, got[id].Lease = owner, lease
		return struct{}{}, err
	}, "SELECT id, owner, lease_ms FROM job")
	h.must(err)
	if diff := gocmp.Diff(got, h.jobs); diff != "" {
		h.t.Errorf("the table (-got +want):\n%s", diff)
	}
	n, err := db.One(h.t.Context(), h.db, db.Value[int], "SELECT count(*) FROM ended")
	h.must(err)
	if n != h.ended {
		h.t.Errorf("%d jobs were settled, want %d", n, h.ended)
	}
}
