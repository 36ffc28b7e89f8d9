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
