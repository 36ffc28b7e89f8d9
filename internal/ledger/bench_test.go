package ledger

import (
	"testing"
	"time"
)

func BenchmarkAppend(b *testing.B) {
	l := openTest(b, Config{})
	r := testRecord(0)
	b.ReportAllocs()
	for b.Loop() {
		l.Append(r)
	}
	b.StopTimer()
	b.ReportMetric(float64(l.Status().Lost), "lost")
}

func BenchmarkAppendParallel(b *testing.B) {
	l := openTest(b, Config{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := testRecord(0)
		for pb.Next() {
			l.Append(r)
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(l.Status().Lost), "lost")
}

// BenchmarkAppendPaced is what a call pays at a rate that a gateway reaches: the
// queue and the writer's goroutine are cold.
func BenchmarkAppendPaced(b *testing.B) {
	l := openTest(b, Config{})
	r := testRecord(0)
	var spent time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		l.Append(r)
		spent += time.Since(start)
		for time.Since(start) < 20*time.Microsecond {
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/append")
}

func BenchmarkEncode(b *testing.B) {
	r := testRecord(0)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = r.encode(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
	b.ReportMetric(float64(len(buf)), "bytes")
}

func BenchmarkDecode(b *testing.B) {
	r := testRecord(0)
	buf := r.encode(nil)
	var d decoder
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad is the loader's work: from segments to a database of one day.
func BenchmarkLoad(b *testing.B) {
	l := openTest(b, Config{LoadEvery: time.Hour})
	flush(b, l)
	n := 0
	var spent time.Duration
	for b.Loop() {
		for range 5000 {
			r := testRecord(n)
			l.Append(r)
			n++
		}
		if err := l.writer.flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := l.loader.flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		spent += time.Since(start)
	}
	b.ReportMetric(float64(n)/spent.Seconds(), "rows/s")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "ns/row")
}

// BenchmarkTotals adds up 20,000 records.
func BenchmarkTotals(b *testing.B) {
	l := openTest(b, Config{})
	for i := range 20_000 {
		l.Append(testRecord(i))
	}
	flush(b, l)
	for b.Loop() {
		if _, err := l.Totals(b.Context(), Query{}, ByModel); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "rows/s")
}
