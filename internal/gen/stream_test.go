package gen_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	first := &bedrockruntime.ConverseStreamOutput{MessageStart: &bedrockruntime.MessageStartEvent{Role: "assistant"}}
	out := &bedrockruntime.ConverseStreamResponse{}
	for e, err := range out.Events() {
		t.Errorf("a stream that is not set yields %v, %v", e, err)
	}
	out.Stream = func(yield func(*bedrockruntime.ConverseStreamOutput, error) bool) {
		_ = yield(first, nil) && yield(nil, broken)
	}
	var got []smithy.Struct
	var errs []error
	for e, err := range out.Events() {
		got, errs = append(got, e), append(errs, err)
	}
	if len(got) != 2 || got[0] != smithy.Struct(first) || got[1] != nil || errs[0] != nil || !errors.Is(errs[1], broken) {
		t.Errorf("got %v and %v", got, errs)
	}
	for _, err := range out.Events() {
		if err != nil {
			t.Error(err)
		}
		break // must stop the handler's loop, which would panic otherwise
	}
}

func TestEventsOf(t *testing.T) {
	t.Parallel()
	in := &bedrockruntime.InvokeModelWithBidirectionalStreamRequest{}
	chunk := in.NewEvent()
	set := func(events ...smithy.Struct) iter.Seq2[*bedrockruntime.InvokeModelWithBidirectionalStreamInput, error] {
		in.SetEvents(func(yield func(smithy.Struct, error) bool) {
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
		})
		return in.Stream
	}
	n := 0
	for e, err := range set(chunk, chunk) {
		if err != nil || smithy.Struct(e) != chunk {
			t.Errorf("got %v, %v", e, err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("got %d events, want 2", n)
	}
	n = 0
	for _, err := range set(&bedrockruntime.ConverseStreamOutput{}, chunk) { // the first is no event of this stream
		if n++; err == nil {
			t.Error("an event of another stream is accepted")
		}
	}
	if n != 1 {
		t.Errorf("the stream goes on after an error: %d events", n)
	}
}
