package kernel

import (
	"fmt"
	"slices"
	"sync"
)

// ISA names a set of micro kernels.
type ISA string

// The sets of micro kernels.
const (
	ISAGo     ISA = "go"     // plain Go: any machine, and the reference of the tests
	ISAAVX2   ISA = "avx2"   // amd64 with AVX2, FMA and F16C
	ISAAVX512 ISA = "avx512" // amd64 with, beside these, AVX-512 F, BW, DQ, VL and VNNI
	ISANEON   ISA = "neon"   // arm64 with the dot product extension
)

// Config says how a Compute works. Its zero value is the right one for production.
type Config struct {
	// Threads is the number of cores to use; 0 means GOMAXPROCS.
	Threads int
	// ISA chooses the micro kernels; "" means the best this machine has.
	ISA ISA
}

// A Compute does arithmetic on vectors and matrices. It is safe for concurrent
// use; see Pool for what concurrent calls share. Its results don't depend on the
// number of threads, nor on how many rows share a call. It must be closed.
type Compute struct {
	r       *routines
	groups  [BF16 + 1]groupKernel // by type; nil where there is none
	pool    *Pool
	scratch sync.Pool // of *scratch
}

// New returns a Compute. It fails if this machine can't run the ISA asked for.
func New(cfg Config) (*Compute, error) {
	all := available()
	r := all[0]
	if cfg.ISA != "" {
		i := slices.IndexFunc(all, func(r *routines) bool { return r.isa == cfg.ISA })
		if i < 0 {
			return nil, fmt.Errorf("kernel: this machine can't run %q, only %q", cfg.ISA, ISAs())
		}
		r = all[i]
	}
	c := &Compute{r: r, pool: NewPool(cfg.Threads)}
	for t := range c.groups {
		c.groups[t] = r.group(Type(t))
	}
	c.scratch.New = func() any { return new(scratch) }
	return c, nil
}

// ISAs returns the sets of micro kernels that this machine can run, fastest first.
func ISAs() []ISA {
	var isas []ISA
	for _, r := range available() {
		isas = append(isas, r.isa)
	}
	return isas
}

// Close ends the helper goroutines.
func (c *Compute) Close() { c.pool.Close() }

// ISA returns the micro kernels in use.
func (c *Compute) ISA() ISA { return c.r.isa }

// Threads returns the number of cores in use.
func (c *Compute) Threads() int { return c.pool.Threads() }

// Run calls task(0) … task(n-1) on the Compute's threads; see Pool.Run. It is for
// steps that this package has no function for.
func (c *Compute) Run(n int, task func(i int)) { c.pool.Run(n, task) }

// rows calls f for row ranges that cover n rows of the given width, in parallel if
// that is worth it.
func (c *Compute) rows(n, width int, f func(lo, hi int)) {
	const enough = 4096 // elements per task: a few microseconds
	tasks := min(n, max(1, n*width/enough), 4*c.Threads())
	c.pool.Run(tasks, func(i int) { f(n*i/tasks, n*(i+1)/tasks) })
}

// scratch is a task's working memory. It lives on the heap because micro kernels
// are called through function values, which lets everything passed to them escape.
type scratch struct {
	tile   [rowTile * panelRows]float32
	keys   []float32
	values []float32
	scores []float32
	row    []byte // of StoreKV
	cached cachedScratch
}

func (c *Compute) getScratch() *scratch {
	if s, ok := c.scratch.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

func (c *Compute) putScratch(s *scratch) { c.scratch.Put(s) }

// grow returns a slice of n elements, s itself if it is large enough. The contents
// are arbitrary.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
