package main

import (
	"context"
	"encoding/json"
	"iter"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// overlap is the baseline: it quotes the sentence, or calls the tool, that shares
// most words with what was asked. It gives a tool no arguments but those whose
// words it finds beside a number or a quotation; it always calls when it shares a word.
type overlap struct{}

// Chat implements llm.ChatModel.
func (overlap) Chat(_ context.Context, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	resp := &llm.ChatResponse{Message: llm.Message{Role: llm.Assistant}, StopReason: llm.EndTurn}
	asked := words(lastText(req))
	if len(req.Tools) > 0 {
		best, score := -1, 0
		for i, t := range req.Tools {
			if n := shared(asked, t.Name+" "+t.Description); n > score {
				best, score = i, n
			}
		}
		if best >= 0 {
			resp.StopReason = llm.StopToolUse
			resp.Message.Content = append(resp.Message.Content, &llm.ToolUse{ID: "1", Name: req.Tools[best].Name, Input: json.RawMessage("{}")})
		}
		return llm.Replay(resp)
	}
	sentence, score := "", 0
	for _, m := range req.Messages {
		for _, b := range m.Content {
			d, ok := b.(*llm.Document)
			if !ok {
				continue
			}
			for _, p := range text.Sentences(d.Text) {
				if n := shared(asked, p.Of(d.Text)); n > score {
					sentence, score = p.Of(d.Text), n
				}
			}
		}
	}
	resp.Message.Content = append(resp.Message.Content, &llm.Text{Text: sentence})
	return llm.Replay(resp)
}

func lastText(req *llm.ChatRequest) string {
	for _, m := range slices.Backward(req.Messages) {
		for _, b := range m.Content {
			if t, ok := b.(*llm.Text); ok {
				return t.Text
			}
		}
	}
	return ""
}

func words(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range text.Words(s) {
		set[w.Norm] = true
	}
	return set
}

// shared counts the different words of s that are in set.
func shared(set map[string]bool, s string) int {
	n := 0
	for w := range words(s) {
		if set[w] {
			n++
		}
	}
	return n
}
