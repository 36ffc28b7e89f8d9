package main

import (
	"context"
	"fmt"
)

// depthFigure is what a long context costs.
type depthFigure struct {
	Model   string      `json:"model"`
	Type    string      `json:"type"`
	Threads int         `json:"threads"`
	Depth   int         `json:"depth"` // tokens in the cache
	Decode  figure      `json:"decode"`
	Slower  [2]slowdown `json:"slower"` // ours, llama.cpp's
}

// slowdown is how many times longer a step takes than with a short context.
type slowdown float64

// depthTokens are decoded at each depth.
const depthTokens = 24

// depth measures decoding with much in the cache. llama.cpp is measured with flash
// attention and without, which suits it better at times, and the faster one counts.
func (b *bench) depth(ctx context.Context) error {
	const typ = "Q8_0"
	threads := b.threads[len(b.threads)-1]
	for _, s := range b.shapes {
		path, err := b.model(ctx, s, typ)
		if err != nil {
			return err
		}
		room := b.depths[len(b.depths)-1] + 2*chunk
		open := request{Op: "open", Path: path, Threads: threads, Context: room}
		if _, err := b.ours.ask(open); err != nil {
			return err
		}
		if err := b.depthsOf(s, typ, open); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if _, err := b.both(request{Op: "close"}); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) depthsOf(s shape, typ string, open request) error {
	depths := append([]int{shortPrompt}, b.depths...)
	ours, theirs := make([]rounds, len(depths)), make([]rounds, len(depths))
	for range min(b.rounds, 3) {
		best := make([]float64, len(depths)) // llama.cpp's tokens/s in this round
		for _, open.Flash = range []string{"auto", "off"} {
			if _, err := b.theirs.ask(open); err != nil {
				return err
			}
			for i, depth := range depths {
				a, err := b.theirs.ask(request{Op: "decode", Depth: depth, Tokens: depthTokens})
				if err != nil {
					return err
				}
				best[i] = max(best[i], depthTokens/a.Seconds)
			}
		}
		for i, depth := range depths {
			a, err := b.ours.ask(request{Op: "decode", Depth: depth, Tokens: depthTokens})
			if err != nil {
				return err
			}
			ours[i].ours = append(ours[i].ours, depthTokens/a.Seconds)
			theirs[i].theirs = append(theirs[i].theirs, best[i])
			ours[i].ratio = append(ours[i].ratio, depthTokens/a.Seconds/best[i])
		}
	}
	for i, depth := range depths {
		f := depthFigure{Model: s.name, Type: typ, Threads: open.Threads, Depth: depth}
		f.Decode = figure{Ours: median(ours[i].ours), Theirs: median(theirs[i].theirs), Ratio: median(ours[i].ratio)}
		f.Slower = [2]slowdown{
			slowdown(median(ours[0].ours) / f.Decode.Ours),
			slowdown(median(theirs[0].theirs) / f.Decode.Theirs),
		}
		b.report.Context = append(b.report.Context, f)
		progress("%s, %d tokens in the cache: %.1f to %.1f tokens/s, %.1f and %.1f times slower", s.name, depth, f.Decode.Ours, f.Decode.Theirs, f.Slower[0], f.Slower[1])
	}
	return nil
}
