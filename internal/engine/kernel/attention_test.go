package kernel_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// attend is the slow definition of attention.
func attend(q, k, v []float32, seqs []kernel.Sequence, a kernel.Attention) []float64 {
	out := make([]float64, len(q))
	d, ldq, ldk := a.HeadDim, a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	q0, k0 := 0, 0
	for _, s := range seqs {
		for i := range s.Queries {
			own := s.Keys - s.Queries + i
			for h := range a.Heads {
				kv := h / (a.Heads / a.KVHeads) * d
				p, sum := make([]float64, s.Keys), 0.0
				for j := range p {
					far := a.Window > 0 && (own-j >= a.Window || j-own >= a.Window)
					if far || a.Causal && j > own {
						continue
					}
					for e := range d {
						p[j] += float64(q[(q0+i)*ldq+h*d+e]) * float64(k[(k0+j)*ldk+kv+e])
					}
					p[j] = math.Exp(p[j] * float64(a.Scale))
					sum += p[j]
				}
				for j := range p {
					for e := range d {
						out[(q0+i)*ldq+h*d+e] += p[j] / sum * float64(v[(k0+j)*ldk+kv+e])
					}
				}
			}
		}
		q0, k0 = q0+s.Queries, k0+s.Keys
	}
	return out
}

func TestAttend(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, a := range []kernel.Attention{
			{Heads: 2, KVHeads: 2, HeadDim: 32},
			{Heads: 3, KVHeads: 1, HeadDim: 16, Causal: true},
			{Heads: 4, KVHeads: 2, HeadDim: 20, Causal: true, Window: 5},
			{Heads: 1, KVHeads: 1, HeadDim: 7, Window: 3},
			{Heads: 2, KVHeads: 2, HeadDim: 64},
		} {
			a.Scale = float32(1 / math.Sqrt(float64(a.HeadDim)))
			seqs := []kernel.Sequence{{1, 1}, {5, 5}, {0, 0}, {16, 16}, {1, 40}, {100, 117}}
			queries, keys := 0, 0
			for _, s := range seqs {
				queries, keys = queries+s.Queries, keys+s.Keys
			}
			q := random(1, queries*a.Heads*a.HeadDim)
			k, v := random(2, keys*a.KVHeads*a.HeadDim), random(3, keys*a.KVHeads*a.HeadDim)
			got, check := guarded(t, random(4, len(q)))
			if err := c.Attend(got, q, k, v, seqs, a); err != nil {
				t.Fatal(err)
			}
			check()
			for i, want := range attend(q, k, v, seqs, a) {
				near(t, fmt.Sprintf("%+v element %d", a, i), got[i], want, 2, 2e-6)
				if t.Failed() {
					return
				}
			}
		}
	})
}

func TestAttendRefuses(t *testing.T) {
	t.Parallel()
	c := open(t, kernel.ISAGo, 1)
	x := make([]float32, 64)
	good := kernel.Attention{Heads: 2, HeadDim: 8, Scale: 1}
	for name, f := range map[string]func() error{
		"no heads": func() error { return c.Attend(x, x, x, x, nil, kernel.Attention{HeadDim: 8, Scale: 1}) },
		"odd heads": func() error {
			return c.Attend(x, x, x, x, nil, kernel.Attention{Heads: 3, KVHeads: 2, HeadDim: 8, Scale: 1})
		},
		"no scale":     func() error { return c.Attend(x, x, x, x, nil, kernel.Attention{Heads: 1, HeadDim: 8}) },
		"rows missing": func() error { return c.Attend(x, x, x, x, []kernel.Sequence{{5, 5}}, good) },
		"short keys":   func() error { return c.Attend(x, x, x[:48], x, []kernel.Sequence{{4, 4}}, good) },
		"negative":     func() error { return c.Attend(x, x, x, x, []kernel.Sequence{{-4, 4}, {8, 0}}, good) },
		"no keys":      func() error { return c.Attend(x, x, nil, nil, []kernel.Sequence{{4, 0}}, good) },
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
