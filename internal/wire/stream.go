package wire

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/eventstream"
	"github.com/outcrop-ai/outcrop/internal/wire/restjson"
)

// sendEvents sends an output with an event stream. The headers go out with the
// first event, so that an error before it is a plain response.
func (x *exchange) sendEvents(out smithy.Struct) error {
	source, ok := out.(smithy.EventSource)
	if !ok {
		return fmt.Errorf("output of %s has no events", x.op.Name)
	}
	s := &eventSender{x: x, rc: http.NewResponseController(x.w), union: x.op.Output.EventStream()}
	if x.svc.Padding {
		s.w.Pad = padding
	}
	for e, err := range source.Events() {
		if err == nil {
			err = s.send(out, e)
		}
		if err != nil {
			return s.end(err)
		}
	}
	if !x.sent {
		return s.begin(out) // a stream without events is one, too
	}
	return nil
}

type eventSender struct {
	x     *exchange
	rc    *http.ResponseController
	w     restjson.EventWriter
	union *smithy.Schema
}

// errClientGone ends a stream that nobody reads.
var errClientGone = errors.New("client is gone")

// send sends one event, after the headers if it is the first.
func (s *eventSender) send(out, e smithy.Struct) error {
	x := s.x
	if e == nil {
		return fmt.Errorf("stream of %s has an empty event", x.op.Name)
	}
	if x.id.Revalidate != nil && x.sent {
		if err := x.id.Revalidate(); err != nil {
			return err
		}
	}
	frame, err := s.w.Event(e)
	if err != nil {
		return fmt.Errorf("event of %s: %w", x.op.Name, err)
	}
	if !x.sent {
		if err := s.begin(out); err != nil {
			return err
		}
	}
	return s.write(frame)
}

// begin sends the headers, but not so soon after the request that its client is not
// yet listening.
func (s *eventSender) begin(out smithy.Struct) error {
	x := s.x
	x.mergeHeader() // the handler's iterator may have added to it
	resp := restjson.NewResponse(&x.h.pool, x.w.Header())
	defer resp.Release()
	resp.Output(x.op.Operation, out)
	if err := wait(x.ctx, x.h.cfg.StreamDelay-time.Since(x.read)); err != nil {
		return err
	}
	x.sent = true
	x.w.WriteHeader(resp.Status)
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// write sends a frame at once.
func (s *eventSender) write(frame []byte) error {
	if s.x.r.ProtoMajor == 2 {
		// A deadline that stays would end a stream that is merely silent.
		_ = s.rc.SetWriteDeadline(time.Now().Add(s.x.h.cfg.WriteTimeout))
		defer s.rc.SetWriteDeadline(time.Time{}) //nolint:errcheck // not every writer has deadlines
	}
	if _, err := s.x.w.Write(frame); err != nil {
		return errors.Join(errClientGone, err)
	}
	if err := s.rc.Flush(); err != nil {
		return errors.Join(errClientGone, err)
	}
	return nil
}

// end ends the stream with an error: as a plain response when nothing was sent, as
// an exception frame otherwise.
func (s *eventSender) end(err error) error {
	x := s.x
	switch {
	case !x.sent:
		return err
	case errors.Is(err, errClientGone), x.gone(err):
		return nil
	}
	modelled, api := x.explain(err)
	var frame []byte
	if modelled != nil {
		frame, err = s.w.Exception(s.union, modelled)
	} else {
		frame, err = s.w.Exception(s.union, exceptionOf(api))
	}
	if err != nil {
		return err // the connection breaks off, so that nobody takes it for the end
	}
	_ = s.write(frame) // a client that is gone needs none
	return nil
}

// exceptionOf makes an error that no service models one that a frame can hold.
func exceptionOf(e APIError) smithy.Struct {
	code := e.ErrorCode()
	if code == "" {
		code = "InternalServerException"
	}
	return &plainException{
		schema: &smithy.Schema{
			Name: code, Type: smithy.Structure, Error: strings.ToLower(code[:1]) + code[1:],
			Members: []smithy.Member{{Name: "message", Schema: &smithy.Schema{Type: smithy.String}}},
		},
		message: e.ErrorMessage(),
	}
}

// plainException is an exception that has a message only.
type plainException struct {
	schema  *smithy.Schema
	message string
}

func (e *plainException) Schema() *smithy.Schema { return e.schema }

func (e *plainException) ReadMember(smithy.Reader, int) error { return nil }

func (e *plainException) WriteMembers(w smithy.Writer) {
	w.Member(0)
	w.String(e.schema.Members[0].Schema, e.message)
}

const paddingAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// padding returns a prefix of the alphabet of random length, as real streams have:
// it blurs the size of an event's text for whoever sees only encrypted sizes.
func padding() string {
	var b [1]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return paddingAlphabet[:1+int(b[0])%len(paddingAlphabet)]
}

// maxEventFrame bounds a frame that a client sends.
const maxEventFrame = 16 << 20

// receive gives the input the stream of events that the request's body holds.
func (x *exchange) receive(in smithy.Struct) error {
	sink, ok := in.(smithy.EventSink)
	if !ok {
		return fmt.Errorf("input of %s takes no events", x.op.Name)
	}
	// The events come while the output goes. HTTP/2 does that anyway.
	_ = http.NewResponseController(x.w).EnableFullDuplex()
	frames := eventstream.NewReader(unmetered(x.r.Body), maxEventFrame) // frames go as they come
	sink.SetEvents(func(yield func(smithy.Struct, error) bool) {
		for {
			m, err := x.nextFrame(frames)
			if err == io.EOF { //nolint:errorlint // as its documentation says
				return
			}
			var e smithy.Struct
			if err == nil {
				e = sink.NewEvent()
				err = restjson.ReadEvent(m, e, smithy.ReadValid)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	})
	return nil
}

// nextFrame returns the next event's frame, out of its signed envelope if it has
// one. An empty envelope ends the stream.
func (x *exchange) nextFrame(frames *eventstream.Reader) (*eventstream.Message, error) {
	m, err := frames.Next()
	if err != nil {
		return nil, frameError(err)
	}
	sig, date := m.Header(":chunk-signature"), m.Header(":date")
	if sig == nil || date == nil {
		if x.id.VerifyFrame != nil {
			return nil, &smithy.SerializationError{Message: "An event of the stream is not signed"}
		}
		return m, nil
	}
	if x.id.VerifyFrame != nil {
		if err := x.id.VerifyFrame(time.UnixMilli(date.Num), m.Payload, sig.Raw); err != nil {
			return nil, err
		}
	}
	if len(m.Payload) == 0 {
		return nil, io.EOF
	}
	inner, err := eventstream.Decode(m.Payload)
	return inner, frameError(err)
}

// frameError tells the client what is wrong with its frame.
func frameError(err error) error {
	for _, known := range []error{eventstream.ErrChecksum, eventstream.ErrHeader, eventstream.ErrLength} {
		if errors.Is(err, known) {
			return &smithy.SerializationError{Message: "Invalid event frame: " + err.Error()}
		}
	}
	return err
}
