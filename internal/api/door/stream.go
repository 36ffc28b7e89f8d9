package door

import (
	"iter"
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Encoder writes an answer as server-sent events. Each method appends to dst the events
// for something that happened, or nothing.
type Encoder interface {
	Append(dst []byte, e llm.Event) ([]byte, error)
	// AppendError appends what breaks the stream off.
	AppendError(dst []byte, err error) []byte
	// AppendDone appends the end of a stream that went well.
	AppendDone(dst []byte) []byte
}

// Relay sends an answer as it comes. Before the first event is out an error is returned,
// to be an ordinary response; a later one ends the stream in the encoder's way. When the
// client leaves, the answer is given up.
func Relay(w http.ResponseWriter, answer iter.Seq2[llm.Event, error], enc Encoder) error {
	out := &sender{w: w, rc: http.NewResponseController(w)}
	var buf []byte
	for e, err := range answer {
		if err == nil {
			buf, err = enc.Append(buf[:0], e)
		}
		if err != nil && !out.begun {
			return err
		}
		if err != nil {
			_ = out.send(enc.AppendError(buf[:0], err)) // nobody to tell when the client left
			return nil
		}
		if len(buf) > 0 && out.send(buf) != nil {
			return nil // the client left; ending the loop cancels the upstream
		}
	}
	_ = out.send(enc.AppendDone(buf[:0])) // the answer is complete either way
	return nil
}

// sender writes events and flushes each.
type sender struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	begun bool
}

func (s *sender) send(events []byte) error {
	if !s.begun {
		s.begun = true
		h := s.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-cache")
	}
	if _, err := s.w.Write(events); err != nil {
		return err
	}
	return s.rc.Flush()
}
