package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// report is what a run found. Sections that were not measured are empty.
type report struct {
	Began   time.Time       `json:"began"`
	Engines []engineInfo    `json:"engines"`
	Limits  []limit         `json:"limits"`
	Speed   []speedFigure   `json:"speed"`
	Context []depthFigure   `json:"context"`
	Serving []servingFigure `json:"serving"`
	Busy    []busyFigure    `json:"busy"`
	Load    []loadFigure    `json:"load"`
	MiniLM  []miniLMFigure  `json:"minilm"`
}

// engineInfo is what was measured.
type engineInfo struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	System  string `json:"system"`
}

// write prints the report as Markdown, and as JSON into a file if one is named.
func (r *report) write(out io.Writer, file string) error {
	w := printer{out: out}
	for _, e := range r.Engines {
		w.line("%s %s: %s", e.Name, e.Version, e.System)
	}
	for _, l := range r.Limits {
		w.line("limits of %d threads: %.1f GB/s read, %.0f GFLOP/s multiply-add in 32 bits", l.Threads, l.Bandwidth/1e9, l.FLOPS/1e9)
	}
	r.speed(&w)
	r.context(&w)
	r.serving(&w)
	r.busy(&w)
	r.load(&w)
	r.miniLM(&w)
	w.line("\nmeasured in %v", time.Since(r.Began).Round(time.Second))
	if file == "" {
		return w.err
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return errors.Join(w.err, err)
	}
	return errors.Join(w.err, os.WriteFile(file, append(text, '\n'), 0o600))
}

func (r *report) speed(w *printer) {
	if len(r.Speed) == 0 {
		return
	}
	w.line("\n| model | type | threads | prefill, tokens/s | llama.cpp | ratio | of multiply-add peak | decode, tokens/s | llama.cpp | ratio | of read bandwidth |")
	w.line("|---|---|---|---|---|---|---|---|---|---|---|")
	for _, f := range r.Speed {
		w.line("| %s | %s | %d | %.0f | %.0f | %.2f | %.0f %% | %.1f | %.1f | %.2f | %.0f %% |", f.Model, f.Type, f.Threads,
			f.Prefill.Ours, f.Prefill.Theirs, f.Prefill.Ratio, 100*f.Prefill.Limit, f.Decode.Ours, f.Decode.Theirs, f.Decode.Ratio, 100*f.Decode.Limit)
	}
}

func (r *report) context(w *printer) {
	if len(r.Context) == 0 {
		return
	}
	w.line("\n| model | type | threads | tokens in the cache | decode, tokens/s | llama.cpp | ratio | times slower than with %d | llama.cpp |", shortPrompt)
	w.line("|---|---|---|---|---|---|---|---|---|")
	for _, f := range r.Context {
		w.line("| %s | %s | %d | %d | %.1f | %.1f | %.2f | %.2f | %.2f |", f.Model, f.Type, f.Threads, f.Depth, f.Decode.Ours, f.Decode.Theirs, f.Decode.Ratio, f.Slower[0], f.Slower[1])
	}
}

func (r *report) serving(w *printer) {
	if len(r.Serving) == 0 {
		return
	}
	w.line("\n| model | type | tokens/s of 1 request | of 8 together | gain | llama.cpp's gain | first token of a short prompt | beside 4 prompts of %d tokens, median and worst |", longPrompt)
	w.line("|---|---|---|---|---|---|---|---|")
	for _, f := range r.Serving {
		w.line("| %s | %s | %.1f | %.1f | %.2f | %.2f | %.0f ms | %.0f ms, %.0f ms |", f.Model, f.Type, f.One, f.Eight, f.Gain, f.TheirGain, 1e3*f.FirstAlone, 1e3*f.FirstLoaded, 1e3*f.FirstWorst)
	}
}

func (r *report) busy(w *printer) {
	if len(r.Busy) == 0 {
		return
	}
	w.line("\n| beside another busy process | type | threads | decode keeps | llama.cpp | prefill keeps | llama.cpp |")
	w.line("|---|---|---|---|---|---|---|")
	for _, f := range r.Busy {
		w.line("| %s | %s | %d | %.0f %% | %.0f %% | %.0f %% | %.0f %% |", f.Model, f.Type, f.Threads, 100*f.Decode[0], 100*f.Decode[1], 100*f.Prefill[0], 100*f.Prefill[1])
	}
}

func (r *report) load(w *printer) {
	if len(r.Load) == 0 {
		return
	}
	w.line("\n| load to first token, file in the page cache | type | first start | second | llama.cpp | peak memory less keys and values, of the file | second start | llama.cpp |")
	w.line("|---|---|---|---|---|---|---|---|")
	for _, f := range r.Load {
		w.line("| %s | %s | %.2f s | %.2f s | %.2f s | %.2f | %.2f | %.2f |", f.Model, f.Type, f.First, f.Second, f.Theirs, f.Memory, f.SecondMemory, f.TheirMemory)
	}
}

func (r *report) miniLM(w *printer) {
	if len(r.MiniLM) == 0 {
		return
	}
	w.line("\n| all-MiniLM-L6-v2 | threads | texts/s | onnxruntime %s | ratio | ratio per CPU second | least cosine |", r.MiniLM[0].Runtime)
	w.line("|---|---|---|---|---|---|---|")
	for _, f := range r.MiniLM {
		w.line("| %d texts of mixed lengths | %d | %.0f | %.0f | %.2f | %.2f | %.6f |", miniLMTexts, f.Threads, f.Texts.Ours, f.Texts.Theirs, f.Texts.Ratio, f.Texts.PerCPU, f.Cosine)
	}
}

// printer writes lines and keeps the first error.
type printer struct {
	out io.Writer
	err error
}

func (w *printer) line(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format+"\n", args...)
	}
}
