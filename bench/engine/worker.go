package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/weights"
)

// chunk is how many tokens of a prompt are read at once, as the scheduler does, and
// llama.cpp too.
const chunk = 512

// worker is our engine as a peer.
type worker struct {
	*model // nil: none is open
}

// answerAll answers the questions of r until it ends.
func answerAll(ctx context.Context, r io.Reader, out io.Writer) error {
	var w worker
	questions := bufio.NewScanner(r)
	answers := json.NewEncoder(out)
	for questions.Scan() {
		var q request
		if err := json.Unmarshal(questions.Bytes(), &q); err != nil {
			return err
		}
		a, err := w.answer(ctx, q)
		rep := reply{Result: a}
		if err != nil {
			rep.Error = err.Error()
		}
		if err := answers.Encode(rep); err != nil {
			return err
		}
	}
	return errors.Join(questions.Err(), w.close())
}

func (w *worker) answer(ctx context.Context, q request) (answer, error) {
	switch q.Op {
	case "about":
		return about()
	case "limits":
		return limits(q)
	case "embed":
		return embedTexts(ctx, q)
	case "open":
		if err := w.close(); err != nil {
			return answer{}, err
		}
		start := time.Now()
		m, err := openModel(ctx, q)
		w.model = m
		return answer{Seconds: time.Since(start).Seconds(), Bytes: m.size()}, err
	case "close":
		return answer{}, w.close()
	}
	if w.model == nil {
		return answer{}, fmt.Errorf("%s: no model is open", q.Op)
	}
	switch q.Op {
	case "prefill":
		return w.prefill(ctx, q)
	case "decode":
		return w.decode(ctx, q)
	case "serve":
		return w.serve(ctx, q)
	case "mixed":
		return w.mixed(ctx, q)
	}
	return answer{}, fmt.Errorf("unknown operation %q", q.Op)
}

func (w *worker) close() error {
	m := w.model
	w.model = nil
	return m.close()
}

func about() (answer, error) {
	c, err := kernel.New(kernel.Config{})
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	a := answer{Name: "Outcrop", Version: "unknown", System: fmt.Sprintf("%s, %s/%s, %s, %d cores", runtime.Version(), runtime.GOOS, runtime.GOARCH, c.ISA(), runtime.NumCPU())}
	if info, ok := debug.ReadBuildInfo(); ok {
		a.Version = info.Main.Version
	}
	return a, nil
}

// limits measures what the machine can do with the threads.
func limits(q request) (answer, error) {
	c, err := kernel.New(kernel.Config{Threads: q.Threads})
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	const stretch, size = 150 * time.Millisecond, 256 << 20
	return answer{Bandwidth: c.ReadBandwidth(stretch, size), FLOPS: c.PeakFLOPS(stretch)}, nil
}

// model is an open model with room for one sequence.
type model struct {
	compute *kernel.Compute
	store   *weights.Store
	decoder *arch.Decoder
	memory  arch.DecoderMemory
	pages   [][]byte
}

// openModel loads a model and computes a first token.
func openModel(ctx context.Context, q request) (_ *model, err error) {
	m := new(model)
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	if m.compute, err = kernel.New(kernel.Config{Threads: q.Threads}); err != nil {
		return nil, err
	}
	if m.store, err = weights.Open(q.Path, weights.Options{Compute: m.compute, CacheDir: q.Cache}); err != nil {
		return nil, err
	}
	config, err := arch.DecoderConfigOf(m.store)
	if err != nil {
		return nil, err
	}
	if m.decoder, err = arch.LoadDecoder(config, m.store, m.compute, arch.DecoderOptions{Context: q.Context}); err != nil {
		return nil, err
	}
	if err := m.store.Loaded(); err != nil { //nolint:contextcheck // the packed file is written in the background
		return nil, err
	}
	_, err = m.read(ctx, 0, 8)
	return m, err
}

func (m *model) size() int64 {
	if m == nil || m.store == nil {
		return 0
	}
	return m.store.Size()
}

func (m *model) close() error {
	if m == nil {
		return nil
	}
	var err error
	if m.store != nil {
		m.store.Flush()
		err = m.store.Close()
	}
	if m.compute != nil {
		m.compute.Close()
	}
	debug.FreeOSMemory()
	return err
}

// room makes pages for n tokens.
func (m *model) room(n int) {
	for len(m.pages)*kernel.PageTokens < n {
		m.pages = append(m.pages, make([]byte, m.decoder.PageBytes()))
	}
}

// token returns the token at a position of the text that everything reads: a word, not
// one of the bytes and marks that the vocabulary begins with, if it has words.
func (m *model) token(at int) int32 {
	words := m.decoder.Vocab() - 259
	if words <= 0 {
		return 0
	}
	return int32(259 + at*7919%words) //nolint:gosec // below the vocabulary's size
}

// read reads the tokens from lo to hi and returns the seconds it took. The logits of
// the last are computed.
func (m *model) read(ctx context.Context, lo, hi int) (float64, error) {
	m.room(hi)
	took := time.Duration(0)
	for at := lo; at < hi; at += chunk {
		s := arch.Span{Start: at, Pages: m.pages}
		for i := at; i < min(at+chunk, hi); i++ {
			s.IDs = append(s.IDs, m.token(i))
		}
		if at+chunk >= hi {
			s.Logits = 1
		}
		start := time.Now()
		if _, err := m.decoder.Forward(ctx, []arch.Span{s}, &m.memory); err != nil {
			return 0, err
		}
		took += time.Since(start)
	}
	return took.Seconds(), nil
}

func (m *model) prefill(ctx context.Context, q request) (answer, error) {
	used := cpuTime()
	seconds, err := m.read(ctx, 0, q.Tokens)
	return answer{Seconds: seconds, CPU: cpuTime() - used}, err
}

func (m *model) decode(ctx context.Context, q request) (answer, error) {
	if err := m.fill(ctx, q.Depth); err != nil {
		return answer{}, err
	}
	const warmup = 2
	var a answer
	var used float64
	for i := range warmup + q.Tokens {
		if i == warmup {
			used = cpuTime()
		}
		step, err := m.read(ctx, q.Depth+i, q.Depth+i+1)
		if err != nil {
			return answer{}, err
		}
		if i >= warmup {
			a.Steps = append(a.Steps, step)
			a.Seconds += step
		}
	}
	a.CPU = cpuTime() - used
	return a, nil
}

// fill makes the cache hold depth tokens: those of one chunk, over and over. What a
// step costs depends on how much is cached, not on what, and reading 32,768 tokens
// would take llama.cpp, which is filled in the same way, many minutes.
func (m *model) fill(ctx context.Context, depth int) error {
	if _, err := m.read(ctx, 0, min(depth, chunk)); err != nil {
		return err
	}
	m.room(depth)
	const known = chunk / kernel.PageTokens
	for i := known; i < len(m.pages) && i*kernel.PageTokens < depth; i++ {
		copy(m.pages[i], m.pages[i%known])
	}
	return nil
}

// cpuTime is what the process has used, in seconds.
func cpuTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// beBusy takes a core until its context or its parent ends.
func beBusy(ctx context.Context) error {
	for ctx.Err() == nil && syscall.Getppid() > 1 {
	}
	return nil
}
