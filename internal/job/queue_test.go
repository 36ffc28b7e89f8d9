package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/db/dbtest"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

func TestSpecIsChecked(t *testing.T) {
	t.Parallel()
	q := open(t, "sqlite:"+t.TempDir()+"/jobs.db")
	f := func(change func(*Spec), want string) {
		t.Helper()
		s := Spec{Account: account, Kind: "kb.ingest"}
		change(&s)
		_, err := q.Enqueue(t.Context(), s)
		switch {
		case want == "" && err != nil:
			t.Errorf("%+v: %v", s, err)
		case want != "" && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want)):
			t.Errorf("%.200s: got %v, want %q", fmt.Sprintf("%+v", s), err, want)
		}
	}
	f(func(*Spec) {}, "")
	f(func(s *Spec) { s.Payload = make([]byte, MaxPayload) }, "")
	f(func(s *Spec) { s.Payload = make([]byte, MaxPayload+1) }, "payload")
	f(func(s *Spec) { s.Payload = []byte{0, 0xff} }, "")
	f(func(s *Spec) { s.Account = "" }, "account")
	f(func(s *Spec) { s.Account = "a\x00" }, "account")
	f(func(s *Spec) { s.Account = strings.Repeat("1", 65) }, "account")
	f(func(s *Spec) { s.Kind = "" }, "kind")
	f(func(s *Spec) { s.Kind = "Ingest" }, "kind")
	f(func(s *Spec) { s.Kind = strings.Repeat("k", 1000) }, "kind")
	f(func(s *Spec) { s.Key = "\xff" }, "key")
	f(func(s *Spec) { s.Key = strings.Repeat("k", 257) }, "key")
	f(func(s *Spec) { s.Priority = 1001 }, "priority")
	f(func(s *Spec) { s.NotBefore = time.Now().Add(400 * 24 * time.Hour) }, "year")
	f(func(s *Spec) { s.Account, s.Kind = "", "" }, "kind")
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, "sqlite:"+t.TempDir()+"/jobs.db")
	for want, c := range map[string]Config{
		"no DB":       {},
		"concurrency": {DB: d, Concurrency: 1000},
		"negative":    {DB: d, Poll: -1},
		"heartbeat":   {DB: d, Lease: 10 * time.Second, Heartbeat: 5 * time.Second},
	} {
		if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	run := func(context.Context, *Run) error { return nil }
	q := openWith(t, Config{DB: d}, Kind{Name: "k", Run: run})
	for want, k := range map[string]Kind{
		"twice":       {Name: "k", Run: run},
		"no Run":      {Name: "other"},
		"lower case":  {Name: "Other", Run: run},
		"concurrency": {Name: "other", Run: run, Concurrency: -1},
		"attempts":    {Name: "other", Run: run, MaxAttempts: -1},
	} {
		if err := q.Register(k); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	stop := start(t, q)
	enqueue(t, q, Spec{})
	waitFinished(t, q) // it is started by now
	if err := q.Register(Kind{Name: "late", Run: run}); err == nil {
		t.Error("registered after the start")
	}
	stop()
}

func TestOneJobPerKey(t *testing.T) {
	t.Parallel()
	dbtest.EachURL(t, func(t *testing.T, url string) {
		a, b := open(t, url), open(t, url)
		ids := make([]string, 16)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				j, err := []*Queue{a, b}[i%2].Enqueue(t.Context(), Spec{Account: account, Kind: "k", Key: "token", Payload: []byte("p")})
				if err != nil {
					t.Error(err)
				}
				ids[i] = j.ID
			})
		}
		all.Wait()
		if slices.Sort(ids); ids[0] != ids[15] || ids[0] == "" {
			t.Errorf("one key made %v", slices.Compact(ids))
		}
		for _, s := range []Spec{{Account: "other", Kind: "k", Key: "token"}, {Account: account, Kind: "other", Key: "token"}, {Account: account, Kind: "k"}} {
			if j, err := a.Enqueue(t.Context(), s); err != nil || j.ID == ids[0] {
				t.Errorf("%+v: got %s, %v, want a new job", s, j.ID, err)
			}
		}
		if _, err := a.Enqueue(t.Context(), Spec{Account: account, Kind: "k", Key: "token", Payload: []byte("q")}); !fault.Is(err, fault.Conflict) {
			t.Errorf("another payload: %v", err)
		}
	})
}

func TestEnqueueInATransaction(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ran := make(chan string, 2)
		q := openWith(t, Config{DB: d, Poll: 10 * time.Millisecond}, Kind{Name: "k", Run: func(_ context.Context, r *Run) error {
			ran <- r.Job().ID
			return nil
		}})
		start(t, q)
		no := errors.New("no")
		var undone, kept Job
		err := d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
			if undone, err = q.EnqueueTx(ctx, tx, Spec{Account: account, Kind: "k"}); err != nil {
				return err
			}
			return no
		})
		if !errors.Is(err, no) {
			t.Fatal(err)
		}
		err = d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
			kept, err = q.EnqueueTx(ctx, tx, Spec{Account: account, Kind: "k"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-ran; got != kept.ID {
			t.Errorf("ran %s, want %s", got, kept.ID)
		}
		if _, err := q.Get(t.Context(), undone.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a job whose transaction was undone: %v", err)
		}
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := openWith(t, Config{DB: d})
		var want []string
		for i := range 25 {
			j := enqueue(t, q, Spec{Payload: []byte("large")})
			want = append([]string{j.ID}, want...)
			enqueue(t, q, Spec{Account: "other"})
			enqueue(t, q, Spec{Kind: fmt.Sprint("other", i%2)})
		}
		var got []string
		for f := (Filter{Account: account, Kind: "k", State: Queued, Limit: 10}); ; {
			page, err := q.List(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, j := range page {
				got = append(got, j.ID)
				if j.Payload != nil {
					t.Error("a payload is listed")
				}
			}
			f.Before = got[len(got)-1]
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("pages (-got +want):\n%s", diff)
		}
		if all, err := q.List(t.Context(), Filter{Account: account}); err != nil || len(all) != 50 {
			t.Errorf("all: %d, %v, want 50", len(all), err)
		}
		for _, f := range []Filter{{}, {Account: account, Limit: 1001}, {Account: account, Limit: -1}} {
			if _, err := q.List(t.Context(), f); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", f, err)
			}
		}
	})
}

// One job from Enqueue to its end, beside a backlog of other accounts that must not matter.
func BenchmarkJob(b *testing.B) {
	for _, backlog := range []int{0, 20_000} {
		bench := func(b *testing.B, url string) {
			b.Helper()
			q, err := Open(b.Context(), Config{DB: dbtest.Open(b, url)})
			if err != nil {
				b.Fatal(err)
			}
			if err := q.Register(Kind{Name: "k", Run: func(context.Context, *Run) error { return nil }}); err != nil {
				b.Fatal(err)
			}
			fill(b, q, backlog)
			b.ReportAllocs()
			var parts [3]time.Duration
			for b.Loop() {
				began := time.Now()
				if _, err := q.Enqueue(b.Context(), Spec{Account: account, Kind: "k", Priority: 1, Payload: []byte("{}")}); err != nil {
					b.Fatal(err)
				}
				enqueued := time.Now()
				j, ok, err := q.claim(b.Context(), []string{"k"})
				if err != nil || !ok || j.Priority != 1 {
					b.Fatal(j, ok, err)
				}
				claimed := time.Now()
				ctx, r := q.begin(b.Context(), j, claimed)
				q.execute(ctx, r)
				q.end(r)
				for i, d := range []time.Duration{enqueued.Sub(began), claimed.Sub(enqueued), time.Since(claimed)} {
					parts[i] += d
				}
			}
			for i, name := range []string{"enqueued/s", "claimed/s", "finished/s"} {
				b.ReportMetric(float64(b.N)/parts[i].Seconds(), name)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		}
		b.Run(fmt.Sprintf("sqlite/backlog=%d", backlog), func(b *testing.B) { bench(b, "sqlite:"+b.TempDir()+"/jobs.db") })
		b.Run(fmt.Sprintf("postgres/backlog=%d", backlog), func(b *testing.B) { bench(b, dbtest.PostgresURL(b)) })
	}
}

// fill adds jobs that wait, of 20 accounts.
func fill(b *testing.B, q *Queue, n int) {
	b.Helper()
	now := q.clock.now()
	err := q.cfg.DB.Update(b.Context(), func(ctx context.Context, tx *db.Tx) error {
		for i := range n {
			s := Spec{Account: fmt.Sprintf("%012d", i%20), Kind: "k"}
			if _, err := q.store.insert(ctx, tx, q.newID(now), s, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := q.cfg.DB.Exec(b.Context(), "ANALYZE"); err != nil {
		b.Fatal(err)
	}
}
