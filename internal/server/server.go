// Package server is the composition root: it turns a configuration into rooms that know
// each other only through their interfaces, starts them in order, serves, and stops them
// in the reverse order. Nothing else knows the whole.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/outcrop-ai/outcrop/internal/api/anthropic"
	"github.com/outcrop-ai/outcrop/internal/api/openai"
	"github.com/outcrop-ai/outcrop/internal/api/runtime"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded"
	openaibackend "github.com/outcrop-ai/outcrop/internal/backend/openai"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/gateway"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/server/config"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// drainTime is how long open requests and streams may go on after the order to stop.
const drainTime = 30 * time.Second

// Server is a running Outcrop. New opens what it holds, Run serves and gives it back.
type Server struct {
	log      *slog.Logger
	db       *db.DB
	ledger   *ledger.Ledger
	identity *identity
	catalog  *catalog.Catalog
	gateway  *gateway.Gateway
	http     *wire.Server
	listener net.Listener
	models   *embedded.Models
	objects  objects

	detector openaibackend.Detector // where model servers are looked for; tests look elsewhere

	mu       sync.Mutex    // guards what a reload changes
	given    config.Config // as it was configured
	config   config.Config // with the models of this machine
	backends *Backends
	local    []openaibackend.Local
}

// New opens the data folder, makes the root key on the first start, and listens. It
// serves nobody until Run. A Server whose Run is never called must be closed.
func New(ctx context.Context, c config.Config, log *slog.Logger) (_ *Server, err error) {
	given := c
	c = withLocal(c, log)
	s := &Server{log: log, given: given, config: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	// The ledger's lock comes first: it keeps a second server off the folder.
	if s.catalog, err = catalog.New(catalog.Config{Regions: c.Regions, Models: entries(c)}); err != nil {
		return nil, err
	}
	if s.ledger, err = ledger.Open(ctx, ledger.Config{
		Dir: filepath.Join(c.Data, "ledger"), Logger: log, RetentionDays: c.Ledger.RetentionDays, KnownModel: s.knownModel,
	}); err != nil {
		return nil, err
	}
	if s.db, err = db.Open(ctx, StoreURL(c)); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if s.identity, err = newIdentity(ctx, c, s.db, log); err != nil {
		return nil, err
	}
	if s.objects, err = openObjects(ctx, c, log); err != nil {
		return nil, err
	}
	s.models = newModels(c, log)
	if s.backends, err = NewBackends(c, s.models); err != nil {
		return nil, err
	}
	if err := s.compose(c); err != nil {
		return nil, err
	}
	s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("%w (another server? choose a port with --listen)", err)
	}
	return s, nil
}

// compose joins the spine, the doors and the HTTP server.
func (s *Server) compose(c config.Config) error {
	routes, err := s.backends.routes(c, nil)
	if err != nil {
		return err
	}
	s.gateway, err = gateway.New(gateway.Config{
		Catalog: s.catalog, Authorizer: s.identity.forGateway(), Recorder: s.ledger,
		Routes: routes, Timeout: c.Timeout, Logger: s.log,
	})
	if err != nil {
		return err
	}
	mounts := map[string]http.Handler{
		"healthz": health(c.Regions),
		"readyz":  ready(s.ready),
		"metrics": metrics(s.ledger.Collector(), s.models.Collector()),
		"anthropic": anthropic.New(anthropic.Config{
			Models: s.gateway, Catalog: s.catalog, DefaultRegion: c.DefaultRegion, Logger: s.log,
			Authenticate: s.identity.authenticate, Authorize: s.identity.allow,
		}),
		"openai": openai.New(openai.Config{
			Models: s.gateway, Catalog: s.catalog, DefaultRegion: c.DefaultRegion, Logger: s.log,
			Authenticate: s.identity.authenticate, Authorize: s.identity.allow,
		}),
	}
	if c.Debug {
		mounts["debug"] = profiles()
	}
	handler, err := wire.New(wire.Config{
		Services:     services(s.catalog, s.gateway),
		Authenticate: s.identity.authenticate, Authorize: s.identity.authorize, MapError: exceptions(s.log),
		Refused: s.refused,
		Scopes:  map[string]http.Handler{"s3": s3Door(c, s.objects, s.identity, s.log)},
		Mounts:  mounts, DefaultRegion: c.DefaultRegion, StreamDelay: c.StreamDelay, Logger: s.log,
	})
	if err != nil {
		return err
	}
	var tlsConfig *tls.Config
	if c.TLS != nil {
		cert, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
		if err != nil {
			return fmt.Errorf("tls: %w", err)
		}
		tlsConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	s.http, err = wire.NewServer(wire.ServerConfig{Handler: handler, TLS: tlsConfig, DrainTimeout: drainTime, Logger: s.log})
	return err
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Run serves until ctx ends, drains what is open, and closes the server. It returns
// what went wrong, nil after an ordered stop.
func (s *Server) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.http.Serve(ctx, s.listener) })
	g.Go(func() error { return s.identity.run(ctx) })
	g.Go(func() error { s.detect(ctx); return nil })
	return g.Wait()
}

// Close gives back everything that New opened. Closing twice is fine; Run closes too.
func (s *Server) Close() error {
	var errs []error
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.mu.Lock()
	if s.backends != nil {
		s.backends.Close()
	}
	s.mu.Unlock()
	if s.models != nil {
		errs = append(errs, s.models.Close())
	}
	errs = append(errs, s.objects.close())
	if s.ledger != nil {
		errs = append(errs, s.ledger.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// ready says whether the server can do its work: state reachable, ledger writing.
func (s *Server) ready(ctx context.Context) *fault.Error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := s.db.Ping(ctx); err != nil {
		s.log.Warn("not ready: the store does not answer", "err", err)
		return fault.Wrap(fault.Unavailable, err, "The store does not answer.")
	}
	if status := s.ledger.Status(); status.Degraded { // which it logs itself
		return fault.Wrap(fault.Unavailable, status.Err, "The ledger cannot keep records.")
	}
	return nil
}

// refused records calls of models whose input wire could not take: they are calls too.
func (s *Server) refused(ctx context.Context, _ *call.Call, in smithy.Struct, err error) {
	if model, ok := runtime.Invoked(in); ok {
		_ = s.gateway.Refuse(ctx, model, fault.Wrap(fault.Invalid, err, err.Error())) // wire answers
	}
}

// knownModel keeps the label of unknown models out of the metrics.
func (s *Server) knownModel(id string) bool { return s.catalog.Find(id) != nil }

// StoreURL returns the address of the control-plane database.
func StoreURL(c config.Config) string {
	if c.Store == "sqlite" {
		return "sqlite:" + filepath.Join(c.Data, "outcrop.db")
	}
	return c.Store
}

// Flush returns once every call that has ended is visible in the ledger.
func (s *Server) Flush(ctx context.Context) error { return s.ledger.Flush(ctx) }
