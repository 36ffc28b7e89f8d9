package main

import (
	"context"
	"slices"
)

// figure compares the two engines at one thing.
type figure struct {
	Ours   float64 `json:"ours"` // per second, the median of rounds
	Theirs float64 `json:"theirs"`
	Ratio  float64 `json:"ratio"`  // the median of the rounds' ratios
	PerCPU float64 `json:"perCPU"` // the same of what a second of CPU time does
	Limit  float64 `json:"limit"`  // ours as a fraction of what the machine can do
}

// speedFigure is how fast a model is read and written.
type speedFigure struct {
	Model   string `json:"model"`
	Type    string `json:"type"`
	Threads int    `json:"threads"`
	Prefill figure `json:"prefill"`
	Decode  figure `json:"decode"`
}

// limit is what the machine can do.
type limit struct {
	Threads   int     `json:"threads"`
	Bandwidth float64 `json:"bandwidth"` // bytes/s
	FLOPS     float64 `json:"flops"`
}

// shortPrompt is what is in the cache before decoding starts.
const shortPrompt = 16

// speed measures prefill and decode of every model, with every number of threads.
func (b *bench) speed(ctx context.Context) error {
	for _, s := range b.shapes {
		for _, typ := range b.types {
			for _, threads := range b.threads {
				f, err := b.speedOf(ctx, s, typ, threads)
				if err != nil {
					return err
				}
				b.report.Speed = append(b.report.Speed, f)
				progress("%s %s, %d threads: prefill %.0f to %.0f tokens/s (%.2f, %.2f per CPU second), decode %.1f to %.1f (%.2f, %.2f per CPU second, %.0f%% of bandwidth)", f.Model, f.Type, f.Threads,
					f.Prefill.Ours, f.Prefill.Theirs, f.Prefill.Ratio, f.Prefill.PerCPU, f.Decode.Ours, f.Decode.Theirs, f.Decode.Ratio, f.Decode.PerCPU, 100*f.Decode.Limit)
			}
		}
	}
	return nil
}

func (b *bench) speedOf(ctx context.Context, s shape, typ string, threads int) (speedFigure, error) {
	f := speedFigure{Model: s.name, Type: typ, Threads: threads}
	path, err := b.model(ctx, s, typ)
	if err != nil {
		return f, err
	}
	opened, err := b.both(request{Op: "open", Path: path, Threads: threads, Context: 1024})
	if err != nil {
		return f, err
	}
	var prefill, decode rounds
	var best limit
	for range b.rounds {
		if err := prefill.add(b, request{Op: "prefill", Tokens: b.prompt}, b.prompt); err != nil {
			return f, err
		}
		if err := decode.add(b, request{Op: "decode", Depth: shortPrompt, Tokens: b.tokens}, b.tokens); err != nil {
			return f, err
		}
		l, err := b.limits(threads)
		if err != nil {
			return f, err
		}
		best.Bandwidth, best.FLOPS = max(best.Bandwidth, l.Bandwidth), max(best.FLOPS, l.FLOPS)
	}
	f.Prefill, f.Decode = prefill.figure(), decode.figure()
	if best.FLOPS > 0 {
		f.Prefill.Limit = f.Prefill.Ours * s.flops(b.prompt) / float64(b.prompt) / best.FLOPS
	}
	read := float64(opened[0].Bytes) + float64(s.kvBytes()*(shortPrompt+b.tokens/2))
	f.Decode.Limit = f.Decode.Ours * read / best.Bandwidth
	_, err = b.both(request{Op: "close"})
	return f, err
}

// limits measures the machine with so many threads, and remembers the best.
func (b *bench) limits(threads int) (limit, error) {
	a, err := b.ours.ask(request{Op: "limits", Threads: threads})
	if err != nil {
		return limit{}, err
	}
	l := limit{Threads: threads, Bandwidth: a.Bandwidth, FLOPS: a.FLOPS}
	for i := range b.report.Limits {
		if best := &b.report.Limits[i]; best.Threads == threads {
			best.Bandwidth, best.FLOPS = max(best.Bandwidth, l.Bandwidth), max(best.FLOPS, l.FLOPS)
			return l, nil
		}
	}
	b.report.Limits = append(b.report.Limits, l)
	return l, nil
}

// both asks our engine, then llama.cpp.
func (b *bench) both(q request) (a [2]answer, err error) {
	for i, p := range []*peer{b.ours, b.theirs} {
		if a[i], err = p.ask(q); err != nil {
			return a, err
		}
	}
	return a, nil
}

// rounds are measurements of both engines, per second.
type rounds struct {
	ours, theirs, ratio, perCPU []float64
}

// add does one round of n units.
func (r *rounds) add(b *bench, q request, n int) error {
	a, err := b.both(q)
	if err != nil {
		return err
	}
	r.ours = append(r.ours, float64(n)/a[0].Seconds)
	r.theirs = append(r.theirs, float64(n)/a[1].Seconds)
	r.ratio = append(r.ratio, a[1].Seconds/a[0].Seconds)
	if a[0].CPU > 0 {
		r.perCPU = append(r.perCPU, a[1].CPU/a[0].CPU)
	}
	return nil
}

func (r *rounds) figure() figure {
	return figure{Ours: median(r.ours), Theirs: median(r.theirs), Ratio: median(r.ratio), PerCPU: median(r.perCPU)}
}

// median returns the middle of x, 0 if it is empty.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(x))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
