// Package upstream is what backends that speak HTTP to a model server share: a
// tuned transport, a client that bounds and times every exchange, a reader of
// server-sent events, and the one table that turns a provider's refusal into a
// fault kind.
//
// It knows no provider: who calls it builds bodies and reads them. It does not
// retry (the gateway fails over, clients retry) but for one case that the
// transport handles: a kept-alive connection that the server had closed.
//
// Invariants: every byte read from outside is counted against a limit; every
// call ends by its deadline; secrets given in Config never appear in an error's
// text; a Response that is closed has stopped the work upstream.
package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// The defaults of Config.
const (
	DefaultTimeout     = 10 * time.Minute
	DefaultIdleTimeout = 2 * time.Minute
	DefaultMaxBody     = 64 << 20
	DefaultMaxEvent    = 16 << 20
)

// Config describes one provider's endpoint.
type Config struct {
	// Name is the backend's name in the configuration, for messages. Required.
	Name string
	// BaseURL is the http or https address that paths are joined to. Required.
	// User and password in it become a Basic Authorization header.
	BaseURL string
	// Header is sent with each request; credentials belong here. May be nil.
	Header http.Header
	// Secrets are texts to be cut out of any message, normally the API key.
	Secrets []string

	// Timeout bounds a whole exchange, streaming or not. Zero: DefaultTimeout.
	Timeout time.Duration
	// FirstTokenTimeout bounds the time to a stream's first event. Zero: only
	// Timeout does.
	FirstTokenTimeout time.Duration
	// IdleTimeout bounds the silence inside a stream. Zero: DefaultIdleTimeout.
	IdleTimeout time.Duration

	// MaxBody bounds a whole response in bytes, MaxEvent one event of a stream.
	// Zero: DefaultMaxBody, DefaultMaxEvent.
	MaxBody, MaxEvent int

	// Transport carries the requests. Nil: NewTransport(TransportConfig{}), which
	// Close then closes.
	Transport http.RoundTripper
}

// Client talks to one provider. It is safe for concurrent use.
type Client struct {
	cfg     Config
	base    *url.URL // without credentials, query and fragment
	unary   http.Header
	stream  http.Header
	own     *http.Transport // nil when the caller gave one
	scrub   *strings.Replacer
	secrets []string
}

// NewClient checks cfg and returns a client for it.
func NewClient(cfg Config) (*Client, error) {
	base, user, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("backend %s: base_url: %w", cfg.Name, err)
	}
	c := &Client{cfg: cfg.withDefaults(), base: base}
	if c.cfg.Transport == nil {
		c.own = NewTransport(TransportConfig{})
		c.cfg.Transport = c.own
	}
	common := http.Header{
		"Content-Type": {"application/json"},
		"User-Agent":   {"outcrop"},
		// The transport may repeat a request on a fresh connection when a reused
		// one turns out closed. The empty value keeps the header off the wire.
		"X-Idempotency-Key": {},
	}
	for k, vs := range cfg.Header {
		common[http.CanonicalHeaderKey(k)] = vs
	}
	if user != nil && common.Get("Authorization") == "" {
		common.Set("Authorization", basicAuth(user))
	}
	c.unary, c.stream = common.Clone(), common.Clone()
	c.unary.Set("Accept", "application/json")
	c.stream.Set("Accept", "text/event-stream")
	c.secrets = secretsOf(cfg, user)
	c.scrub = scrubber(c.secrets)
	return c, nil
}

func (c Config) withDefaults() Config {
	c.Timeout = orDefault(c.Timeout, DefaultTimeout)
	c.IdleTimeout = orDefault(c.IdleTimeout, DefaultIdleTimeout)
	c.MaxBody = orDefault(c.MaxBody, DefaultMaxBody)
	c.MaxEvent = orDefault(c.MaxEvent, DefaultMaxEvent)
	return c
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Name returns the backend's name.
func (c *Client) Name() string { return c.cfg.Name }

// BaseURL returns the endpoint's address without credentials.
func (c *Client) BaseURL() string { return strings.TrimSuffix(c.base.String(), "/") }

// URL joins a path, which may carry a query, to the base. Callers keep the result
// and pass it in Request.URL.
func (c *Client) URL(path string) *url.URL {
	path, query, _ := strings.Cut(path, "?")
	u := c.base.JoinPath(path)
	u.RawQuery = query
	return u
}

// Close releases the idle connections of the client's own transport.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// Request is one exchange to be made.
type Request struct {
	URL    *url.URL    // from Client.URL
	Method string      // empty: POST with a body, GET without
	Body   []byte      // not changed, and not kept after the response is closed
	Header http.Header // added to the client's own; may be nil
	Model  string      // the upstream's name of the model, for messages
	Stream bool        // the response is read with Next
}

// Response is a successful (2xx) answer whose body is still to be read: once with
// ReadAll or, event by event, with Next. It is not safe for concurrent use, and
// must be closed.
type Response struct {
	Status int
	Header http.Header

	client *Client
	model  string
	body   io.ReadCloser
	length int64
	watch  *watch
	events *EventReader
	first  bool // the stream's first event has arrived
}

// Do sends r and returns the response once its headers have arrived. A status
// that is not 2xx is returned as a *fault.Error, as is everything that keeps the
// headers from arriving; see Client.Fault for the kinds.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	w, ctx := newWatch(ctx, c.cfg.Timeout)
	if r.Stream && c.cfg.FirstTokenTimeout > 0 {
		w.arm(c.cfg.FirstTokenTimeout)
	}
	resp, err := c.cfg.Transport.RoundTrip(c.request(ctx, r)) //nolint:bodyclose // Response.Close does
	if err != nil {
		err = c.transportFault(err, w.cause())
		w.stop()
		return nil, err
	}
	out := &Response{
		Status: resp.StatusCode, Header: resp.Header,
		client: c, model: r.Model, body: resp.Body, length: resp.ContentLength, watch: w,
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer out.Close()
		return nil, c.statusFault(out)
	}
	return out, nil
}

func (c *Client) request(ctx context.Context, r *Request) *http.Request {
	header := c.unary
	if r.Stream {
		header = c.stream
	}
	if len(r.Header) > 0 {
		header = header.Clone()
		for k, vs := range r.Header {
			header[http.CanonicalHeaderKey(k)] = vs
		}
	}
	req := &http.Request{
		Method: r.Method, URL: r.URL, Host: r.URL.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if r.Body != nil {
		req.ContentLength = int64(len(r.Body))
		req.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(r.Body)), nil
		}
		req.Body, _ = req.GetBody()
	}
	if req.Method == "" {
		req.Method = http.MethodGet
		if r.Body != nil {
			req.Method = http.MethodPost
		}
	}
	return req.WithContext(ctx)
}

// JSON reports whether the body claims to be JSON: some servers answer a request
// for a stream with one whole object.
func (r *Response) JSON() bool {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "application/json")
}

// ReadAll returns the whole body. One that is larger than Config.MaxBody is an
// error of kind ModelError.
func (r *Response) ReadAll() ([]byte, error) {
	body, err := r.readAtMost(r.client.cfg.MaxBody)
	if errors.Is(err, errTooLarge) {
		return nil, fault.Wrap(fault.ModelError, err,
			fmt.Sprintf("The backend %q answered with more than %d bytes.", r.client.cfg.Name, r.client.cfg.MaxBody))
	}
	if err != nil {
		return nil, r.client.transportFault(err, r.watch.cause())
	}
	return body, nil
}

var errTooLarge = errors.New("response body over its limit")

// readAtMost reads to the end, so that the connection can be used again.
func (r *Response) readAtMost(limit int) ([]byte, error) {
	if r.length > int64(limit) {
		return nil, errTooLarge
	}
	size := 4 << 10
	if r.length >= 0 {
		size = int(r.length) + 1 // one more, for the read that meets the end
	}
	buf := make([]byte, 0, size)
	for {
		n, err := r.body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf[:limit], errTooLarge
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// Next returns the next event of a stream, io.EOF after the last one. The event's
// data is good until the call after. An event beyond Config.MaxEvent, a broken
// connection and a timeout are *fault.Errors.
func (r *Response) Next() (Event, error) {
	if r.events == nil {
		r.events = NewEventReader(&aliveReader{r}, r.client.cfg.MaxEvent)
	}
	ev, err := r.events.Next()
	switch {
	case err == nil:
		if !r.first {
			r.first = true
			r.watch.disarm()
		}
		return ev, nil
	case errors.Is(err, io.EOF):
		return Event{}, io.EOF
	case errors.Is(err, ErrEventTooLarge):
		return Event{}, fault.Wrap(fault.ModelError, err,
			fmt.Sprintf("The backend %q sent an event of more than %d bytes.", r.client.cfg.Name, r.client.cfg.MaxEvent))
	}
	return Event{}, r.client.transportFault(err, r.watch.cause())
}

// The most that Drain reads and waits.
const (
	drainBytes = 16 << 10
	drainTime  = 100 * time.Millisecond
)

// Drain reads the little that may follow the last event of a stream, so that the
// connection can be used again. It gives up soon when there is more.
func (r *Response) Drain() {
	r.watch.arm(drainTime)
	_, _ = io.CopyN(io.Discard, r.body, drainBytes)
}

// Close cancels what is left of the exchange. It may be called twice.
func (r *Response) Close() {
	r.watch.stop()
	_ = r.body.Close()
}

// aliveReader bounds the wait for each piece of a stream, and only that: a caller
// that is slow to take events does not make the model late. Until the first event
// Config.FirstTokenTimeout stands instead, since a comment is no answer.
type aliveReader struct{ r *Response }

func (a *aliveReader) Read(p []byte) (int, error) {
	if !a.r.first && a.r.client.cfg.FirstTokenTimeout > 0 {
		return a.r.body.Read(p)
	}
	a.r.watch.arm(a.r.client.cfg.IdleTimeout)
	defer a.r.watch.disarm()
	return a.r.body.Read(p)
}
