package engine

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// sentences are texts of about the lengths that knowledge bases have: mostly a line or
// two, some a paragraph. bench/engine/minilm.py makes the same.
func sentences(n int) []string {
	words := strings.Fields("the gateway listens on port seven and restarts every sunday at four while backups of each region are copied to another account before alarms can fire for any customer who reads the runbook")
	texts := make([]string, n)
	for i := range texts {
		var b strings.Builder
		for k := range []int{8, 12, 16, 24, 40, 100}[i%6] {
			fmt.Fprintf(&b, "%s ", words[(i*7+k*3)%len(words)])
		}
		texts[i] = b.String()
	}
	return texts
}

func BenchmarkMiniLM(b *testing.B) {
	dir := enginetest.MiniLM(b)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			e := open(b, dir, compute(b, kernel.Config{Threads: threads}))
			texts := sentences(96)
			cpu := cpuTime(b)
			for b.Loop() {
				if _, err := e.Embed(b.Context(), texts, EmbedOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(texts)*b.N)/b.Elapsed().Seconds(), "texts/s")
			b.ReportMetric(float64(len(texts)*b.N)/(cpuTime(b)-cpu).Seconds(), "texts/cpu-s")
		})
	}
	b.Run("one short text", func(b *testing.B) {
		e := open(b, dir, compute(b, kernel.Config{}))
		for b.Loop() {
			if _, err := e.Embed(b.Context(), []string{"When does the gateway restart?"}, EmbedOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// cpuTime is what the process has used: where other processes take cores, it says more
// than the clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLoad is from files to the first vector; the bytes are what the model holds.
func BenchmarkLoad(b *testing.B) {
	dir := enginetest.MiniLM(b)
	c := compute(b, kernel.Config{})
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		e, err := OpenEncoder(dir, c)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Embed(b.Context(), []string{"first"}, EmbedOptions{}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms/load")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB/model")
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
