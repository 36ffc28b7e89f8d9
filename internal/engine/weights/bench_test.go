package weights

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// decoder is the shape of a Llama.
type decoder struct{ hidden, layers, kv, inner, vocab int }

// oneB is Llama 3.2 1B.
var oneB = decoder{hidden: 2048, layers: 16, kv: 512, inner: 8192, vocab: 128256}

// matrices calls f for each matrix.
func (d decoder) matrices(f func(name string, rows, cols int)) {
	f("token_embd.weight", d.vocab, d.hidden)
	for i := range d.layers {
		for _, m := range []struct {
			name       string
			rows, cols int
		}{
			{"attn_q", d.hidden, d.hidden},
			{"attn_k", d.kv, d.hidden},
			{"attn_v", d.kv, d.hidden},
			{"attn_output", d.hidden, d.hidden},
			{"ffn_gate", d.inner, d.hidden},
			{"ffn_up", d.inner, d.hidden},
			{"ffn_down", d.hidden, d.inner},
		} {
			f(fmt.Sprintf("blk.%d.%s.weight", i, m.name), m.rows, m.cols)
		}
	}
}

// create writes a model with random weights and returns its size.
func (d decoder) create(tb testing.TB, path string, typ kernel.Type) int64 {
	tb.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1<<20+1<<16)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var w gguf.Writer
	w.PutString("general.architecture", "llama")
	d.matrices(func(name string, rows, cols int) {
		row, _ := typ.RowSize(cols)
		w.StreamTensor(name, typ, []int{rows, cols}, func(out io.Writer) error {
			for left := rows * row; left > 0; {
				n := min(left, 1<<20)
				if _, err := out.Write(noise[r.IntN(1<<16):][:n]); err != nil {
					return err
				}
				left -= n
			}
			return nil
		})
	})
	if err := w.Create(path); err != nil {
		tb.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	return info.Size()
}

// take takes all matrices.
func (d decoder) take(tb testing.TB, s *Store) {
	tb.Helper()
	d.matrices(func(name string, rows, cols int) {
		if _, err := s.Matrix(name, rows, cols); err != nil {
			tb.Fatal(err)
		}
	})
	if err := s.Loaded(); err != nil {
		tb.Fatal(err)
	}
}

func skipShort(b *testing.B) {
	b.Helper()
	if testing.Short() {
		b.Skip("writes files of gigabytes")
	}
}

// BenchmarkLoad loads a model with a billion weights: packing it, and from the cache.
// The files are in the page cache.
func BenchmarkLoad(b *testing.B) {
	skipShort(b)
	for _, typ := range []kernel.Type{kernel.Q8_0, kernel.Q4_K, kernel.BF16} {
		dir := b.TempDir()
		path := filepath.Join(dir, "m.gguf")
		size := oneB.create(b, path, typ)
		c, err := kernel.New(kernel.Config{})
		if err != nil {
			b.Fatal(err)
		}
		run := func(name string, o Options) {
			o.Compute = c
			b.Run(typ.String()+"/"+name, func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					s, err := Open(path, o)
					if err != nil {
						b.Fatal(err)
					}
					oneB.take(b, s)
					b.StopTimer()
					s.Flush()
					if err := s.Close(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
		}
		run("pack", Options{})
		if typ == kernel.BF16 {
			run("pack as Q8_0", Options{Quantize: ToQ8_0})
		}
		cached := Options{Compute: c, CacheDir: filepath.Join(dir, "cache")}
		s, err := Open(path, cached)
		if err != nil {
			b.Fatal(err)
		}
		oneB.take(b, s)
		s.Flush()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		run("cached", cached)
		c.Close()
		if err := os.RemoveAll(dir); err != nil { // room for the next
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode multiplies one row by every matrix, from memory of the process and
// from a mapped packed file: what the kernels see of where the weights are.
func BenchmarkDecode(b *testing.B) {
	skipShort(b)
	dir := b.TempDir()
	path := filepath.Join(dir, "m.gguf")
	size := oneB.create(b, path, kernel.Q8_0)
	c, err := kernel.New(kernel.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var stores []*Store
	for range 2 { // the second comes from the cache
		s, err := Open(path, Options{Compute: c, CacheDir: filepath.Join(dir, "cache")})
		if err != nil {
			b.Fatal(err)
		}
		oneB.take(b, s)
		s.Flush()
		stores = append(stores, s)
	}
	for round := range 3 { // in turns, for the machine may have other work
		for i, name := range []string{"packed", "mapped"} {
			s := stores[i]
			b.Run(fmt.Sprintf("%s/%d", name, round), func(b *testing.B) {
				b.SetBytes(size)
				x, out := make([]float32, oneB.vocab), make([]float32, oneB.vocab)
				for b.Loop() {
					oneB.matrices(func(name string, rows, cols int) {
						if err := c.MatMul(out[:rows], x[:cols], s.matrices[name], nil); err != nil {
							b.Fatal(err)
						}
					})
				}
			})
		}
	}
	for _, s := range stores {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}
}
