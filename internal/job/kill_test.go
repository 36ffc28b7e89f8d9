package job

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/db/dbtest"
)

// childEnv makes the test binary a process that runs jobs until it is killed: the lease
// and the URL of the database, with a space between.
const childEnv = "OUTCROP_TEST_JOB_CHILD"

const steps = 20 // of one job of the kind "steps"

// stepsKind writes one row per step in the transaction of its checkpoint, and one at its
// end: a row twice is a conflict, a row less a step lost. told hears of each step.
func stepsKind(told func(id string, step int)) Kind {
	return Kind{
		Name: "steps", MaxAttempts: 1000, // a process may be killed before its first step many times
		Backoff: func(int) time.Duration { return 10 * time.Millisecond },
		Run: func(ctx context.Context, r *Run) error {
			first, _ := strconv.Atoi(string(r.Job().Checkpoint))
			for i := first; i < steps; i++ {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Millisecond):
				}
				err := r.queue.cfg.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
					if _, err := tx.Exec(ctx, "INSERT INTO effect (job, step) VALUES (?, ?)", r.job.ID, i); err != nil {
						return err
					}
					return r.CheckpointTx(ctx, tx, []byte(strconv.Itoa(i+1)))
				})
				if err != nil {
					return err
				}
				r.Progress(int64(i+1), steps, "")
				told(r.job.ID, i)
			}
			return nil
		},
		Settled: func(ctx context.Context, tx *db.Tx, j Job) error {
			_, err := tx.Exec(ctx, "INSERT INTO effect (job, step) VALUES (?, ?)", j.ID, -1)
			return err
		},
	}
}

// runChild is the process that gets killed. It says each step that it made.
func runChild(config string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, url, _ := strings.Cut(config, " ")
	lease, err := time.ParseDuration(text)
	if err != nil {
		fail(err)
	}
	ctx := context.Background()
	d, err := db.Open(ctx, url)
	if err != nil {
		fail(err)
	}
	q, err := Open(ctx, Config{DB: d, Lease: lease, Poll: lease / 15, Concurrency: 4})
	if err != nil {
		fail(err)
	}
	if err := q.Register(stepsKind(func(id string, step int) { fmt.Println(id, step) })); err != nil {
		fail(err)
	}
	fail(q.Run(ctx))
}

// child is a running process.
type child struct {
	cmd   *exec.Cmd
	steps *bufio.Scanner // a line per step
}

func startChild(t *testing.T, lease time.Duration, url string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s", childEnv, lease, url))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("the process said: %s", stderr.String())
		}
	})
	return &child{cmd, bufio.NewScanner(out)}
}

// kill kills the process, with no warning, and waits until it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	for c.steps.Scan() { // its pipe must be read to the end before Wait
	}
	_ = c.cmd.Wait()
}

// parent opens the queue as the children do, without running it.
func parent(t *testing.T, url string, lease time.Duration) *Queue {
	t.Helper()
	q := openWith(t, Config{DB: dbtest.Open(t, url), Lease: lease, Poll: lease / 15}, stepsKind(func(string, int) {}))
	if _, err := q.cfg.DB.Exec(t.Context(), "CREATE TABLE effect (job TEXT NOT NULL, step BIGINT NOT NULL, PRIMARY KEY (job, step))"); err != nil {
		t.Fatal(err)
	}
	return q
}

// waitFinished waits until no job waits or runs.
func waitFinished(t *testing.T, q *Queue) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for {
		n, err := db.One(t.Context(), q.cfg.DB, db.Value[int], "SELECT count(*) FROM job WHERE finished_ms = 0")
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d jobs are not finished", n)
		}
	}
}

// wantEffects wants each step of each job done once, and each job settled once.
func wantEffects(t *testing.T, q *Queue, jobs int) {
	t.Helper()
	f := func(query string, want int) {
		t.Helper()
		if got, err := db.One(t.Context(), q.cfg.DB, db.Value[int], query); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", query, got, err, want)
		}
	}
	f("SELECT count(*) FROM job WHERE state = 'succeeded'", jobs)
	f("SELECT count(*) FROM effect WHERE step >= 0", jobs*steps) // none twice: the primary key
	f("SELECT count(*) FROM effect WHERE step = -1", jobs)
}

// Processes are killed at random moments, and another goes on where each of them was:
// nothing is lost, nothing has its effect twice.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 8
	switch {
	case testing.Short():
		rounds = 2
	case os.Getenv("OUTCROP_SOAK") != "":
		rounds = 200
	}
	const lease = 450 * time.Millisecond // short, for many rounds
	dbtest.EachURL(t, func(t *testing.T, url string) {
		q := parent(t, url, lease)
		jobs, reported := 0, 0
		for range rounds {
			for range 6 {
				enqueue(t, q, Spec{Kind: "steps", Account: strconv.Itoa(jobs % 3)})
				jobs++
			}
			c := startChild(t, lease, url)
			if !c.steps.Scan() { // it is under way, with what the one before left behind
				t.Fatal("the process died by itself")
			}
			reported++
			timer := time.AfterFunc(rand.N(150*time.Millisecond), func() { _ = c.cmd.Process.Kill() })
			for c.steps.Scan() {
				reported++
			}
			timer.Stop()
			_ = c.cmd.Wait() // killed
		}
		done, err := db.One(t.Context(), q.cfg.DB, db.Value[int], "SELECT count(*) FROM effect WHERE step >= 0")
		if err != nil || done < reported { // they report what is committed
			t.Errorf("%d steps are done, %v; the killed processes reported %d", done, err, reported)
		}
		start(t, q)
		waitFinished(t, q)
		wantEffects(t, q, jobs)
		taken, err := db.One(t.Context(), q.cfg.DB, db.Value[int], "SELECT count(*) FROM job WHERE turn > 1")
		if err != nil || taken == 0 {
			t.Errorf("no job was taken over, %v: the test kills too late", err)
		}
		t.Logf("%d jobs, %d of them taken over, %d of %d steps before the last process", jobs, taken, done, jobs*steps)
	})
}

// Two processes share the jobs; when one is killed the other takes its jobs over.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	lease := 900 * time.Millisecond
	if os.Getenv("OUTCROP_SOAK") != "" {
		lease = 15 * time.Second // as in production
	}
	dbtest.EachURL(t, func(t *testing.T, url string) {
		q := parent(t, url, lease)
		a, b := startChild(t, lease, url), startChild(t, lease, url)
		jobs := 0
		add := func(n int) {
			for range n {
				enqueue(t, q, Spec{Kind: "steps"})
				jobs++
			}
		}
		add(8)
		// Both get work sooner or later, as long as there is some.
		hear := func(c *child) {
			heard := make(chan bool, 1)
			go func() { heard <- c.steps.Scan() }()
			for {
				select {
				case ok := <-heard:
					if !ok {
						t.Fatal("a process died by itself")
					}
					return
				case <-time.After(50 * time.Millisecond):
					add(4)
				}
			}
		}
		hear(a)
		hear(b)
		add(40) // a has all its places taken when it dies
		drained := make(chan struct{})
		go func() { // b must not wait for its reader
			defer close(drained)
			for b.steps.Scan() {
			}
		}()
		a.kill()
		killed := time.UnixMilli(q.clock.now())
		waitFinished(t, q)
		last, err := db.One(t.Context(), q.cfg.DB, db.Value[int64], "SELECT COALESCE(max(started_ms), 0) FROM job WHERE turn > 1")
		if err != nil {
			t.Fatal(err)
		}
		_ = b.cmd.Process.Kill()
		<-drained
		_ = b.cmd.Wait()
		wantEffects(t, q, jobs)
		took := time.UnixMilli(last).Sub(killed)
		if last == 0 {
			t.Log("the killed process held no job")
		} else if limit := lease * 4 / 3; took > limit && lease == 15*time.Second {
			t.Errorf("the last job was taken over %v after the kill, want at most %v", took, limit)
		}
		t.Logf("%d jobs; the last was taken over %v after the kill, the lease being %v", jobs, took, lease)
	})
}
