package kernel_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// BenchmarkGEMM multiplies 128 rows by the matrices of a small encoder and reports
// the fraction of the arithmetic peak measured beside it.
func BenchmarkGEMM(b *testing.B) {
	const n = 128
	for _, threads := range []int{1, 2} {
		for _, s := range []struct{ rows, cols int }{{384, 384}, {1536, 384}, {384, 1536}, {2048, 2048}} {
			b.Run(fmt.Sprintf("%dx%d/threads=%d", s.rows, s.cols, threads), func(b *testing.B) {
				m, err := kernel.PackF32(s.rows, s.cols, random(1, s.rows*s.cols))
				if err != nil {
					b.Fatal(err)
				}
				arithmetic(b, threads, m, n)
			})
		}
	}
}

// BenchmarkPrefill multiplies 128 rows and compares with the arithmetic peak of
// 32-bit floats, which integer kernels may exceed.
func BenchmarkPrefill(b *testing.B) {
	const n, rows, cols = 128, 2048, 2048
	eachType(b, func(b *testing.B, threads int, typ kernel.Type, halves []int) {
		arithmetic(b, threads, matrix(b, open(b, "", threads), typ, halves, rows, cols), n)
	})
}

// arithmetic has the ISAs multiply n rows by a matrix in turn.
func arithmetic(b *testing.B, threads int, m *kernel.Matrix, n int) {
	b.Helper()
	x, dst := random(2, n*m.Cols()), make([]float32, n*m.Rows())
	cs := race(b, threads, func(c *kernel.Compute) error { return c.MatMul(dst, x, m, nil) })
	peak := 0.0
	for range 4 {
		peak = max(peak, cs[0].PeakFLOPS(50*time.Millisecond))
	}
	rate := 2 * float64(n) * float64(m.Rows()*m.Cols()) / cs[0].best.Seconds()
	b.ReportMetric(rate/1e9, "GFLOP/s")
	b.ReportMetric(100*rate/peak, "%peak")
	b.ReportMetric(float64(len(m.Packed()))/cs[0].best.Seconds()/1e9, "GB/s")
}

// BenchmarkDecode multiplies one row by a matrix larger than the caches and reports
// the bytes of weights read per second, also as a fraction of the bandwidth measured
// beside it.
func BenchmarkDecode(b *testing.B) {
	const cols, size = 2048, 192 << 20
	eachType(b, func(b *testing.B, threads int, typ kernel.Type, halves []int) {
		row, _ := typ.RowSize(cols)
		m := matrix(b, open(b, "", threads), typ, halves, size/row/64*64, cols)
		x, dst := random(2, cols), make([]float32, m.Rows())
		limit := 0.0
		cs := race(b, threads, func(c *kernel.Compute) error { return c.MatMul(dst, x, m, nil) })
		for range 3 {
			limit = max(limit, cs[0].ReadBandwidth(100*time.Millisecond, size))
		}
		rate := float64(len(m.Packed())) / cs[0].best.Seconds()
		b.ReportMetric(rate/1e9, "GB/s")
		b.ReportMetric(100*rate/limit, "%bandwidth")
	})
}

// BenchmarkBatch multiplies 8 rows, as when 8 sequences are decoded together, by such a
// matrix: both limits are near.
func BenchmarkBatch(b *testing.B) {
	const n, cols, size = 8, 2048, 192 << 20
	eachType(b, func(b *testing.B, threads int, typ kernel.Type, halves []int) {
		row, _ := typ.RowSize(cols)
		m := matrix(b, open(b, "", threads), typ, halves, size/row/64*64, cols)
		arithmetic(b, threads, m, n)
	})
}

// eachType runs a benchmark for each type and number of threads.
func eachType(b *testing.B, f func(b *testing.B, threads int, typ kernel.Type, halves []int)) {
	for _, threads := range []int{1, 2} {
		for _, q := range quantTypes {
			b.Run(fmt.Sprintf("%s/threads=%d", q.typ, threads), func(b *testing.B) {
				f(b, threads, q.typ, q.halves)
			})
		}
		b.Run(fmt.Sprintf("F16/threads=%d", threads), func(b *testing.B) {
			f(b, threads, kernel.F16, nil)
		})
	}
}

// matrix returns a packed matrix of random blocks, or of small numbers for floats.
func matrix(b *testing.B, c *kernel.Compute, typ kernel.Type, halves []int, rows, cols int) *kernel.Matrix {
	raw := make([]byte, rows*cols*2)
	if halves != nil {
		raw = blocks(typ, halves, rows*cols, -1)
	}
	m, err := c.Pack(typ, rows, cols, raw)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// racer is a Compute and the time of its fastest round, which is what a busy machine
// disturbs least.
type racer struct {
	*kernel.Compute
	best time.Duration
}

// race runs the benchmark with the ISAs of this machine but plain Go, in turn, so that
// what else the machine does meets all of them. It reports how much faster the first,
// which is the default, is than each other.
func race(b *testing.B, threads int, f func(c *kernel.Compute) error) []*racer {
	b.Helper()
	var rs []*racer
	for _, isa := range kernel.ISAs() {
		if isa != kernel.ISAGo || len(rs) == 0 {
			rs = append(rs, &racer{open(b, isa, threads), time.Hour})
		}
	}
	for b.Loop() {
		for _, r := range rs {
			start := time.Now()
			if err := f(r.Compute); err != nil {
				b.Fatal(err)
			}
			r.best = min(r.best, time.Since(start))
		}
	}
	for _, r := range rs[1:] {
		b.ReportMetric(float64(r.best)/float64(rs[0].best), "×"+string(r.ISA()))
	}
	return rs
}

// BenchmarkStep does the products of one decoding step of a model of 30 layers and
// 576 channels, with the little work in between that keeps threads meeting: what a
// pool is for. Its mean counts, not its best round; run it beside another busy
// process to see what that costs.
func BenchmarkStep(b *testing.B) {
	const hidden, kv, ffn, layers = 576, 192, 1536, 30
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			c := open(b, "", threads)
			weights := func(rows, cols int) []*kernel.Matrix {
				var ms []*kernel.Matrix
				for range layers {
					ms = append(ms, matrix(b, c, kernel.Q8_0, []int{0}, rows, cols))
				}
				return ms
			}
			q, k, v, o := weights(hidden, hidden), weights(kv, hidden), weights(kv, hidden), weights(hidden, hidden)
			gate, up, down := weights(ffn, hidden), weights(ffn, hidden), weights(hidden, ffn)
			x, norm, mid := random(1, hidden), random(2, hidden), make([]float32, 2*ffn)
			var in, wide kernel.Input
			set := func(in *kernel.Input, x []float32) {
				if err := in.Set(x, len(x)); err != nil {
					b.Fatal(err)
				}
			}
			multiply := func(in *kernel.Input, p ...kernel.Product) {
				if err := c.Multiply(in, p...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				for l := range layers {
					c.RMSNorm(x, x, norm, 1e-5)
					set(&in, x)
					multiply(&in, kernel.Product{Dst: mid[:hidden], W: q[l]}, kernel.Product{Dst: mid[hidden:][:kv], W: k[l]}, kernel.Product{Dst: mid[hidden+kv:][:kv], W: v[l]})
					set(&in, mid[:hidden])
					multiply(&in, kernel.Product{Dst: x, W: o[l]})
					c.RMSNorm(x, x, norm, 1e-5)
					set(&in, x)
					multiply(&in, kernel.Product{Dst: mid[:ffn], W: gate[l]}, kernel.Product{Dst: mid[ffn:], W: up[l]})
					c.SiLUMul(mid[:ffn], mid[ffn:])
					set(&wide, mid[:ffn])
					multiply(&wide, kernel.Product{Dst: x, W: down[l]})
				}
			}
		})
	}
}

// BenchmarkPack packs what a file holds; its bytes per second bound the time that a
// model takes to load.
func BenchmarkPack(b *testing.B) {
	const rows, cols = 4096, 2048
	eachType(b, func(b *testing.B, threads int, typ kernel.Type, halves []int) {
		c := open(b, "", threads)
		raw := make([]byte, rows*cols*2)
		if halves != nil {
			raw = blocks(typ, halves, rows*cols, -1)
		}
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			if _, err := c.Pack(typ, rows, cols, raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}
