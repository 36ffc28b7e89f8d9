package kernel_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// count runs a loop and checks that every task ran once.
func count(t *testing.T, p *kernel.Pool, n int) {
	t.Helper()
	ran := make([]atomic.Int32, n)
	p.Run(n, func(i int) { ran[i].Add(1) })
	for i := range ran {
		if got := ran[i].Load(); got != 1 {
			t.Errorf("task %d of %d ran %d times", i, n, got)
		}
	}
}

func TestPoolRunsEveryTaskOnce(t *testing.T) {
	t.Parallel()
	for _, threads := range []int{0, 1, 2, 3, 9} {
		p := kernel.NewPool(threads)
		if threads > 0 && p.Threads() != threads {
			t.Errorf("%d threads, want %d", p.Threads(), threads)
		}
		for round := range 300 {
			count(t, p, round%23)
		}
		p.Close()
		p.Close()
		count(t, p, 10) // alone
	}
}

func TestPoolIsShared(t *testing.T) {
	t.Parallel()
	p := kernel.NewPool(3)
	defer p.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				count(t, p, 7)
			}
		})
	}
	wg.Wait()
}

func TestPoolNests(t *testing.T) {
	t.Parallel()
	p := kernel.NewPool(3)
	defer p.Close()
	for range 50 {
		var n atomic.Int32
		p.Run(5, func(int) { p.Run(6, func(int) { n.Add(1) }) })
		if got := n.Load(); got != 30 {
			t.Errorf("%d inner tasks ran, want 30", got)
		}
	}
}

func TestPoolWakesSleepers(t *testing.T) {
	t.Parallel()
	p := kernel.NewPool(2)
	defer p.Close()
	met := 0
	for range 50 {
		// Both tasks look for the other for a while: on one thread they never meet.
		// A pool may do without its helper at times, on a busy machine, not always.
		var here atomic.Int32
		var both atomic.Bool
		p.Run(2, func(int) {
			here.Add(1)
			for start := time.Now(); time.Since(start) < 5*time.Millisecond && !both.Load(); {
				if here.Load() == 2 {
					both.Store(true)
				}
				runtime.Gosched()
			}
			here.Add(-1)
		})
		if both.Load() {
			met++
		}
		park(p)
	}
	if met == 0 {
		t.Error("the helper was never woken")
	}
}

// park keeps the calling goroutine busy for longer than helpers poll.
func park(p *kernel.Pool) {
	for range 20 {
		x := 0
		for i := range 200_000 {
			x += i
		}
		p.Run(1, func(int) { _ = x })
	}
}

func TestPoolPassesPanicsOn(t *testing.T) {
	t.Parallel()
	p := kernel.NewPool(3)
	defer p.Close()
	for _, n := range []int{1, 2, 40} {
		func() {
			defer func() {
				if v := recover(); v != "task" {
					t.Errorf("recovered %v", v)
				}
			}()
			p.Run(n, func(i int) {
				if i == n-1 {
					panic("task")
				}
			})
			t.Error("Run returned")
		}()
		count(t, p, 10)
	}
}

func TestPoolSurvivesLateTasks(t *testing.T) {
	t.Parallel()
	p := kernel.NewPool(3)
	defer p.Close()
	for range 5 {
		// One task is far longer than the others: the pool takes it for a busy core
		// and goes on with fewer helpers, later with all again.
		p.Run(3, func(i int) {
			if i == 0 {
				x := 0
				for j := range 5_000_000 {
					x += j
				}
				_ = x
			}
		})
		count(t, p, 20)
	}
}

func TestPoolRunsMoreTasksThanSharesHold(t *testing.T) {
	t.Parallel()
	p := kernel.NewPool(3)
	defer p.Close()
	count(t, p, 3<<15)
	count(t, p, 3<<15+1)
	count(t, p, 250_000)
}

func TestPoolTakesOverShares(t *testing.T) {
	t.Parallel()
	p := kernel.NewPool(2)
	defer p.Close()
	taken := 0
	for range 20 {
		// Task 0 looks for a while whether the other thread does all that's left of both
		// shares. A busy machine may not let it; always is a mistake.
		var done atomic.Int32
		p.Run(50, func(i int) {
			if i > 0 {
				done.Add(1)
				return
			}
			for start := time.Now(); done.Load() < 49 && time.Since(start) < 5*time.Millisecond; {
				runtime.Gosched()
			}
			if done.Load() == 49 {
				taken++
			}
		})
	}
	if taken == 0 {
		t.Error("the share of a thread that was held up was never taken over")
	}
}

// BenchmarkMeeting prints what it costs that two threads meet: what a loop with a
// task of about a microsecond for each takes beyond the task, in the least disturbed
// of many short stretches. Most of it is a cache line's way from core to core and back.
func BenchmarkMeeting(b *testing.B) {
	p := kernel.NewPool(2)
	defer p.Close()
	var sums [2]struct {
		v int
		_ [120]byte
	}
	task := func(i int) {
		x := i
		for k := range 2000 {
			x = 3*x + k
		}
		sums[i].v = x
	}
	const loops = 100
	alone, both := time.Hour, time.Hour
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		for range loops {
			task(0)
		}
		alone = min(alone, time.Since(start)/loops)
		start = time.Now()
		for range loops {
			p.Run(2, task)
		}
		both = min(both, time.Since(start)/loops)
	}
	b.ReportMetric(float64(both-alone), "ns/meeting")
	b.ReportMetric(float64(alone), "ns/task")
}
