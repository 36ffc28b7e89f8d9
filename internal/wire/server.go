package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ServerConfig says how a Server listens and what it puts up with.
type ServerConfig struct {
	Handler http.Handler // required
	// TLS serves HTTPS with ALPN for HTTP/2 and HTTP/1.1. Nil serves HTTP/1.1 and
	// HTTP/2 with prior knowledge in clear.
	TLS *tls.Config

	HeaderTimeout time.Duration // for a request's headers; zero means 10 s
	IdleTimeout   time.Duration // of a kept connection; zero means 2 min
	WriteTimeout  time.Duration // for each write to a client that does not read; zero means 30 s
	DrainTimeout  time.Duration // for requests in flight when Serve ends; zero means 20 s
	MaxHeader     int           // bytes; zero means 64 KiB
	// MaxConns bounds open connections: beyond it the one idle longest is closed,
	// or the new one when none is idle. Zero means 16,384.
	MaxConns int
	// MaxStreams bounds the concurrent requests of one HTTP/2 connection; zero means 250.
	MaxStreams int

	Logger *slog.Logger // nil discards
}

func (c ServerConfig) withDefaults() ServerConfig {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&c.HeaderTimeout, 10 * time.Second},
		{&c.IdleTimeout, 2 * time.Minute},
		{&c.WriteTimeout, 30 * time.Second},
		{&c.DrainTimeout, 20 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	for _, d := range []struct{ v, def *int }{
		{&c.MaxHeader, new(64 << 10)},
		{&c.MaxConns, new(16 << 10)},
		{&c.MaxStreams, new(250)},
	} {
		if *d.v <= 0 {
			*d.v = *d.def
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Server serves a handler on a listener until its context ends.
type Server struct {
	cfg   ServerConfig
	http  *http.Server
	conns *connLimiter
}

// errShutdown is the cause of the end of requests that outlive the drain.
var errShutdown = errors.New("the server is shutting down")

// NewServer returns a server, or says what is wrong with cfg.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.Handler == nil {
		return nil, errors.New("wire: ServerConfig.Handler is nil")
	}
	cfg = cfg.withDefaults()
	s := &Server{cfg: cfg, conns: newConnLimiter(cfg.MaxConns, cfg.WriteTimeout)}
	s.http = &http.Server{
		Handler:           cfg.Handler,
		ReadHeaderTimeout: cfg.HeaderTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    cfg.MaxHeader,
		TLSConfig:         cfg.TLS,
		ConnState:         s.conns.state,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
		Protocols:         new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: cfg.MaxStreams,
			SendPingTimeout:      30 * time.Second, // finds clients that are gone without a word
			PingTimeout:          15 * time.Second,
			WriteByteTimeout:     cfg.WriteTimeout,
		},
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(cfg.TLS != nil)
	s.http.Protocols.SetUnencryptedHTTP2(cfg.TLS == nil)
	return s, nil
}

// Serve serves l until ctx ends. Then it stops listening, lets requests and streams
// finish for as long as DrainTimeout allows, cancels those that are left and
// returns. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	base, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	s.http.BaseContext = func(net.Listener) context.Context { return base }

	served := make(chan error, 1)
	go func() {
		l := s.conns.listener(l)
		if s.cfg.TLS != nil {
			served <- s.http.ServeTLS(l, "", "")
			return
		}
		served <- s.http.Serve(l)
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	err := s.drain(ctx, cancel)
	<-served //nolint:errcheck // it says that the server was closed
	return err
}

// drain ends what is still being served: first by waiting, then by cancelling.
func (s *Server) drain(ctx context.Context, cancel context.CancelCauseFunc) error {
	wait, stop := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
	defer stop()
	err := s.http.Shutdown(wait)
	if err == nil {
		return nil
	}
	s.cfg.Logger.WarnContext(ctx, "requests outlive the drain; cancelling them")
	cancel(errShutdown)
	// Their handlers see the end of their context: give them a moment to say so.
	last, stopLast := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stopLast()
	if s.http.Shutdown(last) == nil {
		return nil
	}
	return s.http.Close()
}
