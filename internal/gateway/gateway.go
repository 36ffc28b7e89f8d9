// Package gateway is the spine: every model call, whoever makes it, takes this one
// path. It stands between the doors (api) and the upstreams (backend) and offers
// the doors the same interfaces that the upstreams implement.
//
// # The path of a call
//
//	resolve      the model ID, ARN or inference profile, in the catalog
//	check        that the model can do what is asked of it
//	authorise    the actions and ARNs, as IAM names them
//	quota        a place: Config.Quota
//	input guard  a place: Config.Guard
//	cache        a place: Config.Cache
//	route        ordered targets; the next one takes over before the first token
//	backend      one upstream's llm interfaces
//	output guard the same place: Config.Guard sees the events on their way back
//	record       one ledger record, whatever happened
//
// Who asks and where is in the call.Call that ctx carries.
//
// # What it promises
//
//   - A call that is answered, refused, throttled or left by its caller is one
//     record (token counts are no invocations and make none).
//   - llm.Served and the header x-outcrop-served-by say who answers, before the
//     first event is yielded; errors that come after routing carry the header too.
//   - Leaving the loop or cancelling ctx cancels the upstream's work; what was used
//     until then is recorded. Usage that an upstream does not report is estimated
//     and marked so.
//   - Targets are tried in order on faults that another target may not have, and
//     only while the caller has seen nothing. A target that keeps failing is left
//     alone for a while, as long as there is another.
//   - A request's Raw body is handed to a target that speaks its dialect.
//
// It holds no state but that of its targets, and starts no goroutine that outlives
// a call.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Recorder keeps the record of each call. Its methods are safe for concurrent use
// and do not wait for a disk.
type Recorder interface {
	Append(r ledger.Record)
	// Begin and End frame a call that is being served.
	Begin()
	End()
}

// Config is what a Gateway needs.
type Config struct {
	Catalog    *catalog.Catalog // required
	Authorizer Authorizer       // required
	Recorder   Recorder         // required
	Routes     Routes           // may be applied later

	Quota Quota // nil: no limits
	Guard Stage // nil: calls that name a guardrail are refused
	Cache Stage // nil: nothing is kept

	// Timeout bounds a call over all its targets. Zero: 10 minutes; negative: none.
	Timeout time.Duration
	Breaker BreakerConfig
	Logger  *slog.Logger // nil: silent
}

// Gateway is the spine. It is safe for concurrent use.
type Gateway struct {
	catalog    *catalog.Catalog
	authorizer Authorizer
	recorder   Recorder
	quota      Quota
	guarded    bool
	chat       ChatFunc // guard(cache(route))
	timeout    time.Duration
	breaker    BreakerConfig
	logger     *slog.Logger
	routes     atomic.Pointer[routes]
}

var (
	_ llm.ChatModel    = (*Gateway)(nil)
	_ llm.TokenCounter = (*Gateway)(nil)
	_ llm.Embedder     = (*Gateway)(nil)
)

// New makes a gateway. The error joins every problem of cfg.
func New(cfg Config) (*Gateway, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	g := &Gateway{
		catalog: cfg.Catalog, authorizer: cfg.Authorizer, recorder: cfg.Recorder,
		quota: cfg.Quota, guarded: cfg.Guard != nil,
		timeout: cfg.Timeout, breaker: cfg.Breaker, logger: cfg.Logger,
	}
	g.chat = g.route
	for _, stage := range []Stage{cfg.Cache, cfg.Guard} { // the guard is outermost
		if stage != nil {
			g.chat = stage(g.chat)
		}
	}
	g.routes.Store(&routes{})
	if err := g.Apply(cfg.Routes); err != nil {
		return nil, err
	}
	return g, nil
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Breaker = c.Breaker.withDefaults()
	return c
}

func (c *Config) validate() error {
	var problems []error
	if c.Catalog == nil {
		problems = append(problems, errors.New("gateway: no catalog"))
	}
	if c.Authorizer == nil {
		problems = append(problems, errors.New("gateway: no authorizer"))
	}
	if c.Recorder == nil {
		problems = append(problems, errors.New("gateway: no recorder"))
	}
	return errors.Join(problems...)
}

// deadline bounds ctx by the gateway's timeout.
func (g *Gateway) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if g.timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, g.timeout, &slowError{what: "complete its answer", limit: g.timeout})
}
