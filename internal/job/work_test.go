package job

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/db/dbtest"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

const account = "123456789012"

// bubble runs a test in its own time, on an SQLite file.
func bubble(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "jobs.db")
	synctest.Test(t, func(t *testing.T) { test(t, url) })
}

// open opens a queue on a database handle of its own, as another process would.
func open(t *testing.T, url string, kinds ...Kind) *Queue {
	t.Helper()
	return openWith(t, Config{DB: dbtest.Open(t, url)}, kinds...)
}

func openWith(t *testing.T, c Config, kinds ...Kind) *Queue {
	t.Helper()
	q, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if err := q.Register(k); err != nil {
			t.Fatal(err)
		}
	}
	return q
}

// start runs the queue until the test ends or stop is called, which waits for it.
func start(t *testing.T, q *Queue) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := q.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func enqueue(t *testing.T, q *Queue, s Spec) Job {
	t.Helper()
	if s.Account == "" {
		s.Account = account
	}
	if s.Kind == "" {
		s.Kind = "k"
	}
	j, err := q.Enqueue(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func get(t *testing.T, q *Queue, id string) Job {
	t.Helper()
	j, err := q.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// after lets time pass and then everything settle.
func after(d time.Duration) {
	time.Sleep(d) // of a bubble: takes no time
	synctest.Wait()
}

func wantState(t *testing.T, q *Queue, id string, want State) Job {
	t.Helper()
	j := get(t, q, id)
	if j.State != want {
		t.Errorf("state: got %s (error %q, attempt %d), want %s", j.State, j.Error, j.Attempt, want)
	}
	return j
}

// untilDone is the Run of a kind that works until its context ends, and tells why it did.
func untilDone(causes chan<- error) func(context.Context, *Run) error {
	return func(ctx context.Context, _ *Run) error {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}
}

func TestRunsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		var began time.Time
		q := open(t, url, Kind{Name: "k", Run: func(ctx context.Context, r *Run) error {
			began = time.Now()
			r.Progress(3, 4, "nearly")
			return r.Checkpoint(ctx, []byte("got "+string(r.Job().Payload)))
		}})
		start(t, q)
		after(10 * time.Millisecond)
		enqueued := time.Now()
		j := enqueue(t, q, Spec{Payload: []byte("x")})
		after(time.Millisecond)
		got := wantState(t, q, j.ID, Succeeded)
		if began != enqueued {
			t.Errorf("began %v after it was enqueued", began.Sub(enqueued))
		}
		if string(got.Checkpoint) != "got x" || got.Progress != (Progress{3, 4, "nearly"}) || got.Attempt != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestFailedAttemptsArePaced(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		var at []time.Time
		q := open(t, url, Kind{Name: "k", MaxAttempts: 4, Run: func(context.Context, *Run) error {
			at = append(at, time.Now())
			return errors.New("attempt \x00 failed")
		}})
		j := enqueue(t, q, Spec{})
		start(t, q)
		after(time.Minute)
		if got := wantState(t, q, j.ID, Failed); got.Error != "attempt  failed" || got.Attempt != 4 || got.Finished.IsZero() {
			t.Errorf("got %+v", got)
		}
		if len(at) != 4 {
			t.Fatalf("%d attempts, want 4", len(at))
		}
		for i := range 3 {
			pause, want := at[i+1].Sub(at[i]), time.Second<<i
			if late := q.cfg.Poll * 5 / 4; pause < want*3/4 || pause > want*5/4+late {
				t.Errorf("pause %d: %v, want about %v", i, pause, want)
			}
		}
	})
}

func TestErrorsThatSayWhen(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		runs := map[string][]time.Time{}
		q := open(t, url,
			Kind{Name: "never", Run: func(context.Context, *Run) error {
				return Permanent(fault.Errorf(fault.Invalid, "no such bucket"))
			}},
			Kind{Name: "later", Run: func(_ context.Context, r *Run) error {
				runs["later"] = append(runs["later"], time.Now())
				if r.Job().Attempt == 1 {
					return &fault.Error{Kind: fault.Throttled, RetryAfter: time.Minute}
				}
				return nil
			}},
			Kind{Name: "panics", MaxAttempts: 2, Run: func(context.Context, *Run) error { panic("a defect") }},
		)
		never, later, panics := enqueue(t, q, Spec{Kind: "never"}), enqueue(t, q, Spec{Kind: "later"}), enqueue(t, q, Spec{Kind: "panics"})
		start(t, q)
		after(2 * time.Minute)
		if j := wantState(t, q, never.ID, Failed); j.Attempt != 1 || j.Error != "no such bucket" {
			t.Errorf("permanent: got %+v", j)
		}
		wantState(t, q, later.ID, Succeeded)
		if at := runs["later"]; len(at) != 2 || at[1].Sub(at[0]) < time.Minute {
			t.Errorf("runs at %v, want a minute between them", at)
		}
		if j := wantState(t, q, panics.ID, Failed); j.Error != "panic: a defect" {
			t.Errorf("panic: got %q", j.Error)
		}
	})
}

func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		causes := make(chan error, 10)
		k := Kind{Name: "k", Run: untilDone(causes)}
		q, other := open(t, url, k), open(t, url, k)
		waiting := enqueue(t, q, Spec{NotBefore: time.Now().Add(time.Hour)})
		unknown := enqueue(t, q, Spec{Kind: "another", NotBefore: time.Now().Add(time.Hour)})
		here, there := enqueue(t, q, Spec{}), enqueue(t, q, Spec{})
		start(t, q)
		after(time.Millisecond)
		cancel := func(q *Queue, id string) Job {
			j, err := q.Cancel(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		if j := cancel(q, waiting.ID); j.State != Cancelled {
			t.Errorf("waiting: got %s", j.State)
		}
		if j := cancel(q, here.ID); j.State != Running || !j.CancelRequested {
			t.Errorf("running: got %+v", j)
		}
		after(0)
		wantState(t, q, here.ID, Cancelled)

		cancel(other, there.ID)
		after(1300 * time.Millisecond)
		wantState(t, q, there.ID, Cancelled)
		for range 2 {
			if cause := <-causes; !errors.Is(cause, ErrCancelled) {
				t.Errorf("cause: %v", cause)
			}
		}
		if j := cancel(q, unknown.ID); j.State != Queued || !j.CancelRequested {
			t.Errorf("unknown kind: got %+v", j)
		}
		// Whoever knows its kind settles it without running it.
		knows := open(t, url, Kind{Name: "another", Run: untilDone(causes)})
		start(t, knows)
		after(time.Millisecond)
		wantState(t, q, unknown.ID, Cancelled)

		if j := cancel(q, here.ID); j.State != Cancelled {
			t.Errorf("again: got %s", j.State)
		}
		if _, err := q.Cancel(t.Context(), "nobody"); !fault.Is(err, fault.NotFound) {
			t.Errorf("unknown job: %v", err)
		}
	})
}

func TestStopGivesJobsBack(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		causes := make(chan error, 1)
		a := open(t, url, Kind{Name: "k", Run: untilDone(causes)})
		b := open(t, url, Kind{Name: "k", Run: func(_ context.Context, r *Run) error {
			if got := r.Job(); got.Attempt != 1 || got.Turn != 2 {
				t.Errorf("attempt %d, turn %d, want 1 and 2", got.Attempt, got.Turn)
			}
			return nil
		}})
		j := enqueue(t, a, Spec{})
		stop := start(t, a)
		after(time.Millisecond)
		wantState(t, a, j.ID, Running)
		stop()
		if cause := <-causes; !errors.Is(cause, ErrStopping) {
			t.Errorf("cause: %v", cause)
		}
		wantState(t, b, j.ID, Queued)
		start(t, b)
		after(time.Millisecond)
		wantState(t, b, j.ID, Succeeded)
		if err := a.Run(t.Context()); err == nil {
			t.Error("a queue ran twice")
		}
	})
}

// A stop waits for a run that takes its time, and keeps its lease meanwhile.
func TestStopWaits(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		a := open(t, url, Kind{Name: "k", Run: func(ctx context.Context, _ *Run) error {
			<-ctx.Done()
			time.Sleep(time.Minute)
			return nil
		}})
		b := open(t, url, Kind{Name: "k", Run: func(context.Context, *Run) error {
			t.Error("the job was taken from a process that was stopping")
			return nil
		}})
		j := enqueue(t, a, Spec{})
		stop := start(t, a)
		after(time.Millisecond)
		start(t, b)
		stop()
		wantState(t, b, j.ID, Succeeded)
	})
}

func TestTakeover(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		dead := open(t, url, Kind{Name: "k", Run: untilDone(nil)})
		j := enqueue(t, dead, Spec{})
		if _, ok, err := dead.claim(t.Context(), []string{"k"}); err != nil || !ok { // and then a kill -9
			t.Fatalf("claim: %v, %v", ok, err)
		}
		died := time.Now()
		var began time.Time
		b := open(t, url, Kind{Name: "k", Run: func(context.Context, *Run) error {
			began = time.Now()
			return nil
		}})
		start(t, b)
		after(20 * time.Second)
		wantState(t, b, j.ID, Succeeded)
		if took := began.Sub(died); took < 15*time.Second || took > 16500*time.Millisecond {
			t.Errorf("taken over after %v, want just over 15 s", took)
		}
	})
}

// A job that kills its process each time ends as failed.
func TestPoison(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		k := Kind{Name: "k", MaxAttempts: 3, Run: untilDone(nil)}
		j := enqueue(t, open(t, url), Spec{})
		for range 3 {
			if _, ok, err := open(t, url, k).claim(t.Context(), []string{"k"}); err != nil || !ok {
				t.Fatalf("claim: %v, %v", ok, err)
			}
			after(15 * time.Second)
		}
		q := open(t, url, k)
		start(t, q)
		after(time.Millisecond)
		if got := wantState(t, q, j.ID, Failed); !strings.Contains(got.Error, "3 times in a row") {
			t.Errorf("error %q", got.Error)
		}
	})
}

func TestHeartbeatKeepsTheJob(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		runs := 0
		k := Kind{Name: "k", Run: func(ctx context.Context, r *Run) error {
			runs++
			for i := range 8 {
				r.Progress(int64(i), 8, "")
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Minute):
				}
			}
			return nil
		}}
		a, b := open(t, url, k), open(t, url, k)
		j := enqueue(t, a, Spec{})
		start(t, a)
		start(t, b)
		after(4*time.Minute + 2*time.Second)
		if got := get(t, b, j.ID); got.Progress.Done != 4 {
			t.Errorf("progress: got %d, want 4", got.Progress.Done)
		}
		after(5 * time.Minute)
		if got := wantState(t, b, j.ID, Succeeded); runs != 1 || got.Turn != 1 {
			t.Errorf("%d runs, turn %d, want one", runs, got.Turn)
		}
	})
}

// A process that cannot reach its database ends its runs when their leases are over.
func TestDatabaseGone(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		causes := make(chan error, 1)
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		a := openWith(t, Config{DB: d}, Kind{Name: "k", Run: untilDone(causes)})
		b := open(t, url, Kind{Name: "k", Run: func(ctx context.Context, r *Run) error { return nil }})
		j := enqueue(t, b, Spec{})
		start(t, a)
		after(time.Millisecond)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		start(t, b)
		after(20 * time.Second)
		select {
		case cause := <-causes:
			if !errors.Is(cause, ErrLost) {
				t.Errorf("cause: %v", cause)
			}
		default:
			t.Error("the run goes on")
		}
		wantState(t, b, j.ID, Succeeded)
	})
}

// A holder that lost its job cannot write, and what it writes in a transaction with its
// checkpoint is undone.
func TestFence(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		q := openWith(t, Config{DB: d}, Kind{Name: "k", Run: untilDone(nil)})
		if _, err := d.Exec(ctx, "CREATE TABLE effect (v BIGINT NOT NULL)"); err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, Spec{})
		j, _, err := q.claim(ctx, []string{"k"})
		if err != nil {
			t.Fatal(err)
		}
		_, r := q.begin(ctx, j, time.Now())
		defer q.end(r)
		step := func() error {
			return d.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, "INSERT INTO effect (v) VALUES (1)"); err != nil {
					return err
				}
				return r.CheckpointTx(ctx, tx, []byte("1"))
			})
		}
		if err := step(); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Exec(ctx, "UPDATE job SET turn = turn + 1, owner = 'another'"); err != nil {
			t.Fatal(err)
		}
		if err := step(); !errors.Is(err, ErrLost) {
			t.Errorf("a checkpoint of a lost job: %v", err)
		}
		if err := r.Checkpoint(ctx, make([]byte, MaxCheckpoint+1)); !fault.Is(err, fault.Invalid) {
			t.Errorf("a checkpoint too large: %v", err)
		}
		for v := range released {
			if err := q.write(ctx, r, outcome{verdict: v, err: errors.New("x")}); !errors.Is(err, ErrLost) {
				t.Errorf("outcome %d of a lost job: %v", v, err)
			}
		}
		n, err := db.One(ctx, d, db.Value[int], "SELECT count(*) FROM effect")
		if err != nil || n != 1 {
			t.Errorf("%d effects, %v, want one", n, err)
		}
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		now, most := map[string]int{}, map[string]int{}
		run := func(_ context.Context, r *Run) error {
			count := func(n int) {
				mu.Lock()
				defer mu.Unlock()
				for _, k := range []string{r.Job().Kind, "all"} {
					now[k] += n
					most[k] = max(most[k], now[k])
				}
			}
			count(1)
			defer count(-1)
			time.Sleep(time.Second)
			return nil
		}
		q := openWith(t, Config{DB: dbtest.Open(t, url), Concurrency: 5}, Kind{Name: "few", Concurrency: 2, Run: run}, Kind{Name: "many", Run: run})
		for range 20 {
			enqueue(t, q, Spec{Kind: "few"})
			enqueue(t, q, Spec{Kind: "many"})
		}
		began := time.Now()
		start(t, q)
		after(time.Minute)
		if most["few"] != 2 || most["all"] != 5 {
			t.Errorf("at most %v at once, want 2 few and 5 in all", most)
		}
		jobs, err := q.List(t.Context(), Filter{Account: account, State: Succeeded})
		if err != nil || len(jobs) != 40 {
			t.Fatalf("%d succeeded, %v, want 40", len(jobs), err)
		}
		last := slices.MaxFunc(jobs, func(a, b Job) int { return a.Finished.Compare(b.Finished) })
		if took := last.Finished.Sub(began); took > 11*time.Second {
			t.Errorf("took %v, want 10 s: places were left empty", took)
		}
	})
}

func TestFairBetweenAccounts(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		var order []string
		q := openWith(t, Config{DB: dbtest.Open(t, url), Concurrency: 1}, Kind{Name: "k", Run: func(_ context.Context, r *Run) error {
			order = append(order, r.Job().Account+string(r.Job().Payload))
			time.Sleep(time.Second)
			return nil
		}})
		add := func(account, payload string, priority int) {
			enqueue(t, q, Spec{Account: account, Payload: []byte(payload), Priority: priority})
		}
		for _, n := range []string{"1", "2", "3", "4"} {
			add("a", n, 0)
		}
		add("b", "1", 0)
		add("b", "2", 0)
		add("c", "low", -1)
		add("c", "high", 1)
		start(t, q)
		after(20 * time.Second)
		want := []string{"chigh", "a1", "b1", "a2", "b2", "a3", "a4", "clow"}
		if !slices.Equal(order, want) {
			t.Errorf("order: got %v, want %v", order, want)
		}
	})
}

// The room's own record of a job's end is written exactly when the job ends.
func TestSettled(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		refuse := 3
		k := Kind{
			Name: "k", Run: func(ctx context.Context, r *Run) error { return r.Checkpoint(ctx, []byte("result")) },
			Settled: func(ctx context.Context, tx *db.Tx, j Job) error {
				if _, err := tx.Exec(ctx, "INSERT INTO ended (id, state, result) VALUES (?, ?, ?)", j.ID, string(j.State), j.Checkpoint); err != nil {
					return err
				}
				if refuse--; refuse >= 0 {
					return errors.New("not now")
				}
				return nil
			},
		}
		q := open(t, url, k)
		if _, err := q.cfg.DB.Exec(t.Context(), "CREATE TABLE ended (id TEXT PRIMARY KEY, state TEXT, result BYTEA)"); err != nil {
			t.Fatal(err)
		}
		j := enqueue(t, q, Spec{})
		start(t, q)
		after(5 * time.Second)
		wantState(t, q, j.ID, Succeeded)
		got, err := db.One(t.Context(), q.cfg.DB, db.Value[[]byte], "SELECT result FROM ended WHERE id = ? AND state = 'succeeded'", j.ID)
		if err != nil || string(got) != "result" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestFinishedJobsAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		q := openWith(t, Config{DB: dbtest.Open(t, url), Retention: 2 * time.Minute}, Kind{Name: "k", Run: func(context.Context, *Run) error { return nil }})
		first := enqueue(t, q, Spec{Key: "same"})
		later := enqueue(t, q, Spec{NotBefore: time.Now().Add(24 * time.Hour)})
		start(t, q)
		after(110 * time.Second)
		if again := enqueue(t, q, Spec{Key: "same"}); again.ID != first.ID || again.State != Succeeded {
			t.Errorf("the same key: got %+v", again)
		}
		after(11 * time.Minute)
		if _, err := q.Get(t.Context(), first.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("after its retention: %v", err)
		}
		wantState(t, q, later.ID, Queued)
		if again := enqueue(t, q, Spec{Key: "same"}); again.ID == first.ID {
			t.Error("a forgotten key found a job")
		}
	})
}
