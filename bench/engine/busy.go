package main

import (
	"context"
	"fmt"
	"time"
)

// busyFigure is what remains of the speed while another process takes a core.
type busyFigure struct {
	Model   string     `json:"model"`
	Type    string     `json:"type"`
	Threads int        `json:"threads"`
	Decode  [2]float64 `json:"decode"` // of ours, of llama.cpp's speed without it
	Prefill [2]float64 `json:"prefill"`
}

// busy measures beside a process that takes a core.
func (b *bench) busy(ctx context.Context) error {
	const typ = "Q8_0"
	threads := b.threads[len(b.threads)-1]
	for _, s := range b.shapes {
		path, err := b.model(ctx, s, typ)
		if err != nil {
			return err
		}
		if _, err := b.both(request{Op: "open", Path: path, Threads: threads, Context: 1024}); err != nil {
			return err
		}
		f := busyFigure{Model: s.name, Type: typ, Threads: threads}
		var kept [2][2][]float64 // prefill, decode; ours, theirs
		for range b.rounds {
			free, err := b.onceEach()
			if err != nil {
				return err
			}
			pressed, err := b.beside(ctx)
			if err != nil {
				return err
			}
			for what := range kept {
				for who := range kept[what] {
					kept[what][who] = append(kept[what][who], free[what][who]/pressed[what][who])
				}
			}
		}
		for who := range f.Decode {
			f.Prefill[who], f.Decode[who] = median(kept[0][who]), median(kept[1][who])
		}
		b.report.Busy = append(b.report.Busy, f)
		progress("%s %s beside a busy process: decode keeps %.0f%% (llama.cpp %.0f%%), prefill %.0f%% (%.0f%%)", s.name, typ, 100*f.Decode[0], 100*f.Decode[1], 100*f.Prefill[0], 100*f.Prefill[1])
	}
	_, err := b.both(request{Op: "close"})
	return err
}

// onceEach returns the seconds of a prefill and of some decoding, ours and theirs.
func (b *bench) onceEach() (seconds [2][2]float64, err error) {
	for i, q := range []request{{Op: "prefill", Tokens: b.prompt}, {Op: "decode", Depth: shortPrompt, Tokens: 2 * b.tokens}} {
		a, err := b.both(q)
		if err != nil {
			return seconds, err
		}
		seconds[i] = [2]float64{a[0].Seconds, a[1].Seconds}
	}
	return seconds, nil
}

// beside is onceEach while another process takes a core.
func (b *bench) beside(ctx context.Context) (seconds [2][2]float64, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p, err := b.tools.self(ctx, roleBusy)
	if err != nil {
		return seconds, err
	}
	start := time.Now()
	seconds, err = b.onceEach()
	took := time.Since(start)
	stop()
	_ = p.close() // that it was killed is no news
	if used := p.cmd.ProcessState.UserTime(); err == nil && used < took/10 {
		err = fmt.Errorf("the busy process used %v of %v: nothing was measured", used, took)
	}
	return seconds, err
}
