package gateway

import (
	"context"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// silent is a recorder and an authorizer that cost nothing.
type silent struct{}

func (silent) Append(ledger.Record)                                    {}
func (silent) Begin()                                                  {}
func (silent) End()                                                    {}
func (silent) Authorize(context.Context, call.Principal, Access) error { return nil }

// flat yields the same events at each call.
type flat []llm.Event

func (f flat) Chat(context.Context, *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		for _, e := range f {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// BenchmarkChat is what the gateway adds to an answer of 3 and of 100 pieces.
func BenchmarkChat(b *testing.B) {
	bench := func(name string, limits bool, pieces int) {
		b.Run(name, func(b *testing.B) {
			events := flat{&llm.MessageStart{Usage: &llm.Usage{InputTokens: 9}}, open}
			for range pieces {
				events = append(events, word)
			}
			events = append(events, shut, stop, &llm.Metadata{Usage: meta.Usage})
			be := Backend{Chat: events}
			if limits {
				be.Timeout, be.FirstToken, be.Idle = time.Minute, time.Second, time.Second
			}
			w := setup(b, Routes{
				Backends: map[string]Backend{"a": be, "b": be},
				Targets:  map[string][]Target{sonnet: {{"a", "m"}, {"b", "m"}}},
			}, func(c *Config) { c.Recorder, c.Authorizer = silent{}, silent{} })
			c := &call.Call{Operation: "ConverseStream", Region: "us-east-1", Account: account, Header: http.Header{}}
			ctx := call.With(b.Context(), c)
			req := ask(sonnet)
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range w.Chat(ctx, req) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
	bench("short", false, 3)
	bench("short, limits", true, 3)
	bench("100 pieces", false, 100)
	bench("100 pieces, limits", true, 100)
}
