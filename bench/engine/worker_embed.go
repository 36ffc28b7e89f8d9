package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// sentences are texts of about the lengths that knowledge bases have: mostly a line or
// two, some a paragraph. minilm.py makes the same.
func sentences(n int) []string {
	words := strings.Fields("the gateway listens on port seven and restarts every sunday at four while backups of each region are copied to another account before alarms can fire for any customer who reads the runbook")
	texts := make([]string, n)
	for i := range texts {
		var b strings.Builder
		for k := range []int{8, 12, 16, 24, 40, 100}[i%6] {
			fmt.Fprintf(&b, "%s ", words[(i*7+k*3)%len(words)])
		}
		texts[i] = b.String()
	}
	return texts
}

// embedTexts opens the model in the folder q.Path and embeds q.Tokens texts, which are
// tokenized too, twice. The second time counts.
func embedTexts(ctx context.Context, q request) (_ answer, err error) {
	c, err := kernel.New(kernel.Config{Threads: q.Threads})
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	e, err := engine.OpenEncoder(q.Path, c)
	if err != nil {
		return answer{}, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	texts := sentences(q.Tokens)
	var a answer
	for range 2 {
		used, start := cpuTime(), time.Now()
		out, err := e.Embed(ctx, texts, engine.EmbedOptions{})
		if err != nil {
			return answer{}, err
		}
		a = answer{Seconds: time.Since(start).Seconds(), CPU: cpuTime() - used}
		for _, v := range out.Vectors[:min(len(out.Vectors), q.Batch)] {
			a.Vectors = append(a.Vectors, v)
		}
	}
	return a, nil
}
