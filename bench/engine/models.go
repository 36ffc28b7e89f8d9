package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
)

// shape is a model's dimensions.
type shape struct {
	name                                       string
	hidden, layers, heads, kvHeads, ffn, vocab int
}

// shapes are those that are measured, the small one first. Both have their output head
// tied to the embeddings.
func shapes() []shape {
	return []shape{
		{"SmolLM2-135M", 576, 30, 9, 3, 1536, 49152},
		{"Llama-3.2-1B", 2048, 16, 32, 8, 8192, 128256},
	}
}

// flops returns the multiplications and additions of reading n tokens at once: those of
// the layers' matrices and of attention to the tokens before. The head is computed for
// the last token only.
func (s shape) flops(n int) float64 {
	kv := s.hidden / s.heads * s.kvHeads
	layer := 2*s.hidden*s.hidden + 2*s.hidden*kv + 3*s.hidden*s.ffn
	attention := 2 * (n + 1) / 2 * s.hidden
	return 2 * (float64(s.layers*(layer+attention))*float64(n) + float64(s.hidden*s.vocab))
}

// kvBytes returns what the keys and values of a token take in 16 bits.
func (s shape) kvBytes() int { return s.layers * s.kvHeads * s.hidden / s.heads * 2 * 2 }

// model returns the path of the shape's file of the given type, which is made first if
// need be.
func (b *bench) model(ctx context.Context, s shape, typ string) (string, error) {
	path := func(typ string) string { return filepath.Join(b.tools.folder, s.name+"-"+typ+".gguf") }
	if ok, err := exists(path(typ)); ok || err != nil {
		return path(typ), err
	}
	if typ == "F16" {
		progress("writing %s", path(typ))
		args := []string{path(typ)}
		for _, n := range []int{s.hidden, s.layers, s.heads, s.kvHeads, s.ffn, s.vocab} {
			args = append(args, strconv.Itoa(n))
		}
		return path(typ), b.tools.script(ctx, "mkgguf.py", args...)
	}
	floats, err := b.model(ctx, s, "F16")
	if err != nil {
		return "", err
	}
	progress("quantising %s", path(typ))
	if _, err := b.theirs.ask(request{Op: "quantize", Path: floats, Out: path(typ), Type: typ}); err != nil {
		return "", fmt.Errorf("%s of %s: %w", typ, s.name, err)
	}
	return path(typ), nil
}
