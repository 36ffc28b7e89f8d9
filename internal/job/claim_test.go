package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/db/dbtest"
)

// A candidate that was claimed, or renewed, since it was read is not taken.
func TestTakeLooksAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		q := openWith(t, Config{DB: d})
		j := enqueue(t, q, Spec{})
		id, now := j.ID, j.Due.UnixMilli()
		f := func(turn, now int64, want bool) {
			t.Helper()
			got, err := q.store.take(ctx, candidate{id, turn}, "me", now, now+100)
			if err != nil || got != want {
				t.Errorf("turn %d: got %v, %v, want %v", turn, got, err, want)
			}
		}
		f(1, now, false)   // another turn
		f(0, now-1, false) // not due
		f(0, now, true)
		f(0, now, false)     // claimed
		f(1, now+99, false)  // its lease holds
		f(1, now+100, true)  // its lease is over
		f(2, now+199, false) // its new lease holds
		if err := q.store.renew(ctx, "me", []string{id}, now+300); err != nil {
			t.Fatal(err)
		}
		f(2, now+250, false) // renewed
		if err := q.store.renew(ctx, "another", []string{id}, now+900); err != nil {
			t.Fatal(err)
		}
		f(2, now+300, true) // a former holder renews nothing
	})
}

// A cancel that a failing attempt had not noticed yet wins over its next attempt, not
// over its success.
func TestCancelMeetsTheEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := openWith(t, Config{DB: d}, Kind{Name: "k", Run: untilDone(nil)})
		f := func(v verdict, want State) {
			t.Helper()
			id := enqueue(t, q, Spec{}).ID
			j, ok, err := q.claim(t.Context(), []string{"k"})
			if err != nil || !ok || j.ID != id {
				t.Fatalf("claim: %v, %v", ok, err)
			}
			_, r := q.begin(t.Context(), j, time.Now())
			defer q.end(r)
			if _, err := q.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if err := q.write(t.Context(), r, outcome{verdict: v, err: errors.New("x")}); err != nil {
				t.Fatal(err)
			}
			wantState(t, q, id, want)
		}
		f(retried, Cancelled)
		f(cancelled, Cancelled)
		f(succeeded, Succeeded)
		f(failed, Failed)
		f(released, Queued) // and cancelled by the next claim, see TestCancel
	})
}

// Two processes that claim at once get different jobs, all of them.
func TestClaimsDoNotMeet(t *testing.T) {
	t.Parallel()
	dbtest.EachURL(t, func(t *testing.T, url string) {
		first := open(t, url)
		const jobs = 60
		for i := range jobs {
			enqueue(t, first, Spec{Account: fmt.Sprint(i % 4)})
		}
		var mu sync.Mutex
		seen := map[string]bool{}
		var all sync.WaitGroup
		for range 3 {
			q := open(t, url, Kind{Name: "k", Run: func(context.Context, *Run) error { return nil }})
			all.Go(func() {
				for {
					j, ok, err := q.claim(t.Context(), []string{"k"})
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					if ok && seen[j.ID] {
						t.Errorf("%s was claimed twice", j.ID)
					}
					seen[j.ID] = ok
					enough := len(seen) >= jobs
					mu.Unlock()
					if err != nil || !ok || enough {
						return
					}
				}
			})
		}
		all.Wait()
		delete(seen, "")
		if len(seen) != jobs {
			t.Errorf("%d of %d jobs were claimed", len(seen), jobs)
		}
	})
}
