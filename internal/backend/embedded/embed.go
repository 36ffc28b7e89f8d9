package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/pull"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// EmbedModel is the name of Outcrop's embedding model, in model IDs and in
// llm.Served.Model: all-MiniLM-L6-v2, run by the engine.
const EmbedModel = pull.EmbedModel

const (
	// patience is how long a call waits for a model that is being fetched.
	patience = 2 * time.Second
	// loadPatience is how long it waits for one that is on this machine: a second on a
	// slow disk, more where other processes take the cores.
	loadPatience = 15 * time.Second
	// lull is how long nobody asks for a model again after it could not be fetched.
	lull = 30 * time.Second
)

// EmbedderConfig says where models are and come from. The zero value is ready.
type EmbedderConfig struct {
	Dir         string // folder of models; empty: pull.DefaultDir()
	HuggingFace string // see pull.Config
	Index       string // see pull.Config
	// Never forbids to fetch a model that is not on this machine.
	Never   bool
	Threads int          // zero: one per core
	Logger  *slog.Logger // nil: silent
}

// Embedder is the embedding models of this machine as an llm.Embedder. A request's
// Model is what `outcrop pull` takes: outcrop.embed-v1, hf:org/repo.
//
// Nothing happens before the first call: that one loads the model, and fetches it in
// the background when it is not there. Until it is, calls answer NotReady after a
// short wait. It is safe for concurrent use.
type Embedder struct {
	cfg  EmbedderConfig
	open func(ctx context.Context, model string, far func(pull.Progress)) (*engine.Encoder, error)
	wg   sync.WaitGroup

	ctx    context.Context //nolint:containedctx // of work in the background; ended by Close
	cancel context.CancelFunc

	mu      sync.Mutex
	compute *kernel.Compute
	models  map[string]*embedModel
}

// embedModel is one model on its way into memory.
type embedModel struct {
	encoder *engine.Encoder // nil until it is loaded
	loading chan struct{}   // closed when the try under way has ended; nil without one
	err     error           // of the last try
	retry   time.Time       // not before
	far     pull.Progress   // of its download; zero without one
}

var _ llm.Embedder = (*Embedder)(nil)

// NewEmbedder returns an embedder. It must be closed.
func NewEmbedder(cfg EmbedderConfig) *Embedder {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Embedder{cfg: cfg, models: map[string]*embedModel{}}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.open = e.load
	return e
}

// Close ends work in the background, waits for it, and frees the models. No call may be
// under way. Closing twice is fine.
func (e *Embedder) Close() error {
	e.cancel()
	e.wg.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, m := range e.models {
		if m.encoder != nil {
			errs = append(errs, m.encoder.Close())
		}
	}
	clear(e.models)
	if e.compute != nil {
		e.compute.Close()
		e.compute = nil
	}
	return errors.Join(errs...)
}

// Embed implements llm.Embedder. Dimensions other than the model's own are made by
// project.
func (e *Embedder) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.EmbedResponse, error) {
	encoder, err := e.encoder(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	if encoder.Reranks() {
		return nil, fault.Errorf(fault.Invalid, "The model %s scores pairs of texts and makes no vectors.", req.Model)
	}
	own := encoder.Dimensions()
	dims := req.Dimensions
	if dims == 0 {
		dims = own
	}
	if dims != own && !projects(dims) {
		return nil, fault.Errorf(fault.Invalid, "The model %s makes vectors of %d dimensions, and of 256, 512, 1024 and 1536 by projection; %d were asked for.", req.Model, own, dims)
	}
	got, err := encoder.Embed(ctx, req.Texts, engine.EmbedOptions{Normalize: req.Normalize, TextTokens: req.TextTokens})
	if long, ok := errors.AsType[*engine.TooLongError](err); ok {
		return nil, fault.Errorf(fault.Invalid, "400 Bad Request: Too many input tokens. Max input tokens: %d, request input token count: %d", long.Limit, long.Tokens)
	}
	if err != nil {
		return nil, err
	}
	if dims != own {
		for i, v := range got.Vectors {
			got.Vectors[i] = project(v, dims)
		}
	}
	return &llm.EmbedResponse{
		Vectors: got.Vectors, InputTokens: got.Tokens,
		Served: llm.Served{Model: req.Model, Fidelity: llm.Real},
	}, nil
}

// encoder returns a model, and waits a little for one that is not loaded yet.
func (e *Embedder) encoder(ctx context.Context, name string) (*engine.Encoder, error) {
	e.mu.Lock()
	m := e.models[name]
	if m == nil {
		m = &embedModel{}
		e.models[name] = m
	}
	if m.encoder != nil || e.ctx.Err() != nil {
		defer e.mu.Unlock()
		if m.encoder == nil {
			return nil, fault.Errorf(fault.Unavailable, "The server is stopping.")
		}
		return m.encoder, nil
	}
	if m.loading == nil {
		if time.Now().Before(m.retry) {
			defer e.mu.Unlock()
			return nil, notReady(name, m.err)
		}
		m.loading = make(chan struct{})
		e.wg.Go(func() { e.background(name, m) })
	}
	loading := m.loading
	e.mu.Unlock()

	for _, wait := range []time.Duration{patience, loadPatience - patience} {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-loading:
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if encoder, err := e.state(name, m); encoder != nil || err != nil {
			return encoder, err
		}
	}
	return nil, &fault.Error{
		Kind: fault.NotReady, Resource: name, RetryAfter: 5 * time.Second,
		Message: fmt.Sprintf("The model %s is being loaded. Try again soon.", name),
	}
}

// state returns how far a model is: loaded, failed, being fetched (with an error that
// says so) or, when both are nil, being loaded from this machine.
func (e *Embedder) state(name string, m *embedModel) (*engine.Encoder, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case m.encoder != nil:
		return m.encoder, nil
	case m.loading == nil:
		return nil, notReady(name, m.err)
	case m.far == pull.Progress{}:
		return nil, nil //nolint:nilnil // neither yet
	}
	return nil, &fault.Error{
		Kind: fault.NotReady, Resource: name, RetryAfter: 5 * time.Second,
		Message: fmt.Sprintf("The model %s is being fetched (%s). Try again soon, or fetch it beforehand: outcrop pull %s", name, share(m.far), name),
	}
}

// background loads a model and notes how that went.
func (e *Embedder) background(name string, m *embedModel) {
	start := time.Now()
	encoder, err := e.open(e.ctx, name, func(p pull.Progress) {
		e.mu.Lock()
		defer e.mu.Unlock()
		m.far = p
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	m.encoder, m.err = encoder, err
	close(m.loading)
	m.loading, m.far = nil, pull.Progress{}
	switch {
	case err == nil:
		e.cfg.Logger.Info("model loaded", "model", name, "took", time.Since(start).Round(time.Millisecond))
	case errors.Is(err, errAbsent): // looking again costs nothing
	case e.ctx.Err() == nil:
		m.retry = time.Now().Add(lull)
		e.cfg.Logger.Warn("model not loaded", "model", name, "err", err, "again_after", lull)
	}
}

// errAbsent is a model that is not on this machine and may not be fetched.
var errAbsent = errors.New("it is not on this machine")

// load finds or fetches a model and opens it.
func (e *Embedder) load(ctx context.Context, name string, far func(pull.Progress)) (*engine.Encoder, error) {
	p, err := pull.New(pull.Config{Dir: e.cfg.Dir, HuggingFace: e.cfg.HuggingFace, Index: e.cfg.Index, Progress: far})
	if err != nil {
		return nil, err
	}
	model, err := p.Find(name)
	switch {
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case e.cfg.Never:
		return nil, errAbsent
	default:
		e.cfg.Logger.Info("fetching a model", "model", name)
		far(pull.Progress{File: name, Total: -1})
		if model, err = p.Pull(ctx, name); err != nil {
			return nil, err
		}
	}
	compute, err := e.kernels()
	if err != nil {
		return nil, err
	}
	return engine.OpenEncoder(model.Path, compute)
}

// kernels returns the arithmetic that all models share.
func (e *Embedder) kernels() (*kernel.Compute, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.compute != nil {
		return e.compute, nil
	}
	c, err := kernel.New(kernel.Config{Threads: e.cfg.Threads})
	e.compute = c
	return c, err
}

// notReady is the fault of a model that could not be loaded.
func notReady(name string, err error) error {
	reason := "could not be loaded; the server's log says why"
	if errors.Is(err, errAbsent) {
		reason = "is not on this machine, and pull: never forbids to fetch it"
	}
	return &fault.Error{
		Kind: fault.NotReady, Resource: name, Err: err,
		Message: fmt.Sprintf("The model %s %s. Fetch it with: outcrop pull %s", name, reason, name),
	}
}

func share(p pull.Progress) string {
	if p.Total <= 0 {
		return "it has just begun"
	}
	return fmt.Sprintf("%d %% of %d MB", p.Done*100/p.Total, p.Total/1e6)
}
