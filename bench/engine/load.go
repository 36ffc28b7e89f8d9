package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// loadFigure is a model's start.
type loadFigure struct {
	Model  string  `json:"model"`
	Type   string  `json:"type"`
	First  float64 `json:"first"`  // seconds to the first token, nothing cached but the file's pages
	Second float64 `json:"second"` // with the packed file of the first start
	Theirs float64 `json:"theirs"` // llama.cpp's, the better of two starts
	// Memory and TheirMemory are the most that the process held until after a prefill,
	// less keys and values, over the file's size.
	Memory       float64 `json:"memory"`
	SecondMemory float64 `json:"secondMemory"`
	TheirMemory  float64 `json:"theirMemory"`
}

// load measures starts, each in a process of its own.
func (b *bench) load(ctx context.Context) error {
	const typ = "Q8_0"
	for _, s := range b.shapes {
		path, err := b.model(ctx, s, typ)
		if err != nil {
			return err
		}
		if err := warm(path); err != nil {
			return err
		}
		var first, second, theirs []float64
		f := loadFigure{Model: s.name, Type: typ}
		for range min(b.rounds, 3) {
			cache := filepath.Join(b.tools.folder, "packed")
			if err := os.RemoveAll(cache); err != nil { //nolint:gosec // in the folder that -dir names
				return err
			}
			for i, to := range []*[]float64{&first, &second, &theirs} {
				seconds, memory, err := b.start(ctx, s, path, cache, i == 2)
				if err != nil {
					return err
				}
				*to = append(*to, seconds)
				*[]*float64{&f.Memory, &f.SecondMemory, &f.TheirMemory}[i] = memory
			}
		}
		f.First, f.Second, f.Theirs = median(first), median(second), median(theirs)
		b.report.Load = append(b.report.Load, f)
		progress("%s %s: first token after %.2f s, %.2f s the second time (llama.cpp %.2f s); memory %.2f of the file, %.2f (llama.cpp %.2f)", s.name, typ, f.First, f.Second, f.Theirs, f.Memory, f.SecondMemory, f.TheirMemory)
	}
	return nil
}

// start opens a model in a new process and returns the seconds to the first token, and
// the most memory that was held.
func (b *bench) start(ctx context.Context, s shape, path, cache string, theirs bool) (seconds, memory float64, err error) {
	const context = 1024
	var p *peer
	if theirs {
		p, err = b.tools.python(ctx, "llama.py")
	} else {
		p, err = b.tools.self(ctx, roleEngine)
	}
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if _, err := p.ask(request{Op: "about"}); err != nil {
		return 0, 0, err
	}
	a, err := p.ask(request{Op: "open", Path: path, Cache: cache, Threads: b.threads[len(b.threads)-1], Context: context})
	if err != nil {
		return 0, 0, err
	}
	if _, err := p.ask(request{Op: "prefill", Tokens: b.prompt}); err != nil {
		return 0, 0, err
	}
	if _, err := p.ask(request{Op: "close"}); err != nil { // and the packed file is written
		return 0, 0, err
	}
	most, err := p.peak()
	if err != nil {
		return 0, 0, err
	}
	size, err := os.Stat(path) //nolint:gosec // in the folder that -dir names
	if err != nil {
		return 0, 0, err
	}
	kv := int64(s.kvBytes() * b.prompt)
	if theirs {
		kv = int64(s.kvBytes() * context)
	}
	return a.Seconds, float64(most-kv) / float64(size.Size()), nil
}

// warm reads a file, so that the system has it in memory.
func warm(path string) error {
	f, err := os.Open(path) //nolint:gosec // in the folder that -dir names
	if err != nil {
		return err
	}
	part := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Read(part)
	}
	return f.Close()
}
