package kernel_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// isas returns the ISAs that this machine can run, plain Go first.
func isas(t testing.TB) []kernel.ISA {
	t.Helper()
	all := kernel.ISAs()
	slices.Reverse(all)
	return all
}

// open returns a Compute that is closed with the test.
func open(t testing.TB, isa kernel.ISA, threads int) *kernel.Compute {
	t.Helper()
	c, err := kernel.New(kernel.Config{ISA: isa, Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// each runs a test once per ISA.
func each(t *testing.T, f func(t *testing.T, c *kernel.Compute)) {
	t.Helper()
	for _, isa := range isas(t) {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			f(t, open(t, isa, 2))
		})
	}
}

// random returns n normal numbers, the same for the same seed.
func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// near fails the test unless got is within tol of want, relative to magnitude, a
// bound on the numbers that were added up.
func near(t *testing.T, what string, got float32, want, magnitude, tol float64) {
	t.Helper()
	if d := math.Abs(float64(got) - want); !(d <= tol*magnitude) {
		t.Errorf("%s: got %v, want %v (off by %.2g of %.3g)", what, got, want, d, magnitude)
	}
}

func TestMatMulF32(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, s := range []struct{ n, rows, cols int }{
			{1, 1, 1},
			{1, 16, 8},
			{1, 17, 3},
			{2, 15, 257},
			{3, 33, 5},
			{5, 31, 100},
			{6, 16, 256},
			{7, 48, 512},
			{13, 100, 300},
			{97, 40, 513},
			{100, 65, 64},
		} {
			x, w, bias := random(1, s.n*s.cols), random(2, s.rows*s.cols), random(3, s.rows)
			m, err := kernel.PackF32(s.rows, s.cols, w)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range [][]float32{nil, bias} {
				got := random(4, s.n*s.rows)
				if err := c.MatMul(got, x, m, b); err != nil {
					t.Fatal(err)
				}
				for i := range s.n {
					for r := range s.rows {
						want, mag := 0.0, 0.0
						if b != nil {
							want = float64(b[r])
						}
						for k := range s.cols {
							v := float64(x[i*s.cols+k]) * float64(w[r*s.cols+k])
							want += v
							mag += math.Abs(v)
						}
						near(t, "product", got[i*s.rows+r], want, mag+1, 1e-6)
					}
				}
			}
		}
	})
}
