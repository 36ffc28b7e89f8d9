package main

import "context"

// servingFigure is how requests share an engine.
type servingFigure struct {
	Model string  `json:"model"`
	Type  string  `json:"type"`
	One   float64 `json:"one"`   // tokens/s of one request, prompt included
	Eight float64 `json:"eight"` // of eight at the same time, all together
	Gain  float64 `json:"gain"`
	// TheirGain is llama.cpp's, with all eight in one batch.
	TheirGain float64 `json:"theirGain"`
	// FirstAlone and FirstLoaded are seconds to a short prompt's first token: alone, and
	// beside four requests that always read long prompts.
	FirstAlone  float64 `json:"firstAlone"`
	FirstLoaded float64 `json:"firstLoaded"`
	FirstWorst  float64 `json:"firstWorst"`
}

const (
	servePrompt, serveTokens = 32, 96
	longPrompt, longTokens   = 2048, 32
)

// serving measures requests at the same time.
func (b *bench) serving(ctx context.Context) error {
	threads := b.threads[len(b.threads)-1]
	for _, s := range b.shapes {
		for _, typ := range []string{"Q8_0", "Q4_K_M"} {
			path, err := b.model(ctx, s, typ)
			if err != nil {
				return err
			}
			if _, err := b.ours.ask(request{Op: "open", Path: path, Threads: threads, Context: 4096}); err != nil {
				return err
			}
			if _, err := b.theirs.ask(request{Op: "open", Path: path, Threads: threads, Context: 4096, Requests: 8}); err != nil {
				return err
			}
			f, err := b.servingOf()
			if err != nil {
				return err
			}
			f.Model, f.Type = s.name, typ
			b.report.Serving = append(b.report.Serving, f)
			progress("%s %s: 8 requests %.2f times one's tokens (llama.cpp %.2f); first token %.0f ms, %.0f beside long prompts", s.name, typ, f.Gain, f.TheirGain, 1e3*f.FirstAlone, 1e3*f.FirstLoaded)
		}
	}
	_, err := b.both(request{Op: "close"})
	return err
}

func (b *bench) servingOf() (f servingFigure, err error) {
	var one, eight, gain, theirs, alone, loaded []float64
	for range min(b.rounds, 3) {
		var rates [2][2]float64 // one, eight; ours, theirs
		for i, n := range []int{1, 8} {
			a, err := b.both(request{Op: "serve", Requests: n, Depth: servePrompt, Tokens: serveTokens})
			if err != nil {
				return f, err
			}
			for k := range a {
				rates[i][k] = float64(n*serveTokens) / a[k].Seconds
			}
		}
		one, eight = append(one, rates[0][0]), append(eight, rates[1][0])
		gain, theirs = append(gain, rates[1][0]/rates[0][0]), append(theirs, rates[1][1]/rates[0][1])
	}
	a, err := b.ours.ask(request{Op: "mixed", Requests: 4, Depth: longPrompt, Tokens: longTokens})
	if err != nil {
		return f, err
	}
	alone, loaded = append(alone, a.Seconds), a.Steps
	worst := 0.0
	for _, s := range loaded {
		worst = max(worst, s)
	}
	return servingFigure{
		One: median(one), Eight: median(eight), Gain: median(gain), TheirGain: median(theirs),
		FirstAlone: median(alone), FirstLoaded: median(loaded), FirstWorst: worst,
	}, nil
}
