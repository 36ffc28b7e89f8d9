package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/pull"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

const (
	// patience is how long a call waits for a model that is being fetched.
	patience = 2 * time.Second
	// loadPatience is how long it waits for one that is on this machine: a second or
	// two for most, more for large ones and where other processes take the cores.
	loadPatience = 30 * time.Second
	// lull is how long nobody asks for a model again after it could not be fetched.
	lull = 30 * time.Second
)

// Config says where models are and come from, and what they may take. The zero value
// is ready.
type Config struct {
	Dir         string // folder of models; empty: pull.DefaultDir()
	HuggingFace string // see pull.Config
	Index       string // see pull.Config
	// Never forbids to fetch a model that is not on this machine.
	Never bool
	// Engine says how models run; its Compute is made when the first one is loaded.
	Engine  engine.Config
	Threads int // zero: one per core
	// Memory bounds the bytes that loaded models take; zero: no bound.
	Memory int64
	// Idle is how long a model stays in memory after its last call; zero: until another
	// one needs the room.
	Idle   time.Duration
	Logger *slog.Logger // nil: silent
}

// Models are the models with weights of this machine: an llm.Embedder, and an
// llm.ChatModel. A request's Model is what `outcrop pull` takes: outcrop.embed-v1,
// hf:org/repo, the path of a file.
//
// Nothing happens before the first call: that one loads the model, and fetches it in
// the background when it is not there. Until it is, calls answer NotReady after a
// short wait. A model leaves memory when nobody has used it for Config.Idle, or when
// another needs its room and no call is using it. It is safe for concurrent use.
type Models struct {
	cfg  Config
	find func(ctx context.Context, model string, far func(pull.Progress)) (*found, error)
	wg   sync.WaitGroup

	ctx    context.Context //nolint:containedctx // of work in the background; ended by Close
	cancel context.CancelFunc

	mu      sync.Mutex
	compute *kernel.Compute
	models  map[string]*model
	taken   int64 // bytes of models that are loaded or being loaded
}

// found is a model that is on this machine and not in memory.
type found struct {
	size int64 // about what it will take
	open func() (engine.Model, error)
}

// model is one model on its way into memory, in it, or out of it.
type model struct {
	name    string
	loaded  engine.Model  // nil until it is loaded
	loading chan struct{} // closed when the try under way has ended; nil without one
	err     error         // of the last try
	retry   time.Time     // not before
	far     pull.Progress // of its download; zero without one

	size  int64 // of loaded
	users int   // calls that use it
	last  time.Time
	idle  *time.Timer // unloads it; nil while it has users
}

// NewModels returns the models of a machine. They must be closed.
func NewModels(cfg Config) *Models {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Models{cfg: cfg, models: map[string]*model{}}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.find = m.locate
	return m
}

// Close ends work in the background, waits for it, and frees the models. No call may be
// under way. Closing twice is fine.
func (m *Models) Close() error {
	m.cancel()
	m.wg.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, one := range m.models {
		if one.idle != nil {
			one.idle.Stop()
		}
		if one.loaded != nil {
			errs = append(errs, one.loaded.Close())
		}
	}
	clear(m.models)
	m.taken = 0
	if m.compute != nil {
		m.compute.Close()
		m.compute = nil
	}
	return errors.Join(errs...)
}

// acquire returns a model, and waits a little for one that is not loaded yet. The model
// stays in memory until release is called, once.
func (m *Models) acquire(ctx context.Context, name string) (_ engine.Model, release func(), _ error) {
	m.mu.Lock()
	one := m.models[name]
	if one == nil {
		one = &model{name: name}
		m.models[name] = one
	}
	switch {
	case m.ctx.Err() != nil:
		m.mu.Unlock()
		return nil, nil, fault.Errorf(fault.Unavailable, "The server is stopping.")
	case one.loaded != nil:
		defer m.mu.Unlock()
		loaded, release := m.use(one)
		return loaded, release, nil
	case one.loading == nil && time.Now().Before(one.retry):
		defer m.mu.Unlock()
		return nil, nil, notReady(name, one.err)
	case one.loading == nil:
		one.loading = make(chan struct{})
		m.wg.Go(func() { m.load(one) })
	}
	loading := one.loading
	m.mu.Unlock()

	for _, wait := range []time.Duration{patience, loadPatience - patience} {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-loading:
		case <-timer.C:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
		if loaded, release, err := m.state(one); loaded != nil || err != nil {
			return loaded, release, err
		}
	}
	return nil, nil, &fault.Error{
		Kind: fault.NotReady, Resource: name, RetryAfter: 5 * time.Second,
		Message: fmt.Sprintf("The model %s is being loaded. Try again soon.", name),
	}
}

// use counts a user of a loaded model. m.mu is held.
func (m *Models) use(one *model) (engine.Model, func()) {
	one.users++
	if one.idle != nil {
		one.idle.Stop()
		one.idle = nil
	}
	return one.loaded, sync.OnceFunc(func() { m.release(one) })
}

func (m *Models) release(one *model) {
	m.mu.Lock()
	defer m.mu.Unlock()
	one.users--
	one.last = time.Now()
	if one.users == 0 && m.cfg.Idle > 0 && m.ctx.Err() == nil {
		one.idle = time.AfterFunc(m.cfg.Idle, func() { m.expire(one) })
	}
}

// expire unloads a model that nobody has used for a while.
func (m *Models) expire(one *model) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() == nil && one.loaded != nil && one.users == 0 && time.Since(one.last) >= m.cfg.Idle {
		m.unload(one, "it was idle")
	}
}

// unload takes a model that nobody uses out of memory. m.mu is held.
func (m *Models) unload(one *model, why string) {
	if one.idle != nil {
		one.idle.Stop()
		one.idle = nil
	}
	if err := one.loaded.Close(); err != nil {
		m.cfg.Logger.Warn("model not closed", "model", one.name, "err", err)
	}
	m.taken -= one.size
	one.loaded, one.size = nil, 0
	m.cfg.Logger.Info("model unloaded", "model", one.name, "why", why)
}

// state returns how far a model is: loaded, failed, being fetched (with an error that
// says so) or, when all are nil, being loaded from this machine.
func (m *Models) state(one *model) (engine.Model, func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case one.loaded != nil:
		loaded, release := m.use(one)
		return loaded, release, nil
	case one.loading == nil && one.err == nil: // loaded, and unloaded again before we looked
		return nil, nil, busy(one.name)
	case one.loading == nil:
		return nil, nil, notReady(one.name, one.err)
	case one.far == pull.Progress{}:
		return nil, nil, nil
	}
	return nil, nil, &fault.Error{
		Kind: fault.NotReady, Resource: one.name, RetryAfter: 5 * time.Second,
		Message: fmt.Sprintf("The model %s is being fetched (%s). Try again soon, or fetch it beforehand: outcrop pull %s", one.name, share(one.far), one.name),
	}
}

// load brings a model into memory and notes how that went.
func (m *Models) load(one *model) {
	start := time.Now()
	loaded, size, err := m.bring(one)
	m.mu.Lock()
	defer m.mu.Unlock()
	one.loaded, one.size, one.err = loaded, size, err
	close(one.loading)
	one.loading, one.far, one.last = nil, pull.Progress{}, time.Now()
	switch {
	case err == nil:
		m.cfg.Logger.Info("model loaded", "model", one.name, "took", time.Since(start).Round(time.Millisecond), "bytes", size)
		if m.cfg.Idle > 0 && m.ctx.Err() == nil {
			one.idle = time.AfterFunc(m.cfg.Idle, func() { m.expire(one) })
		}
	case errors.Is(err, errAbsent) || fault.Is(err, fault.Unavailable): // trying again costs nothing
	case m.ctx.Err() == nil:
		one.retry = time.Now().Add(lull)
		m.cfg.Logger.Warn("model not loaded", "model", one.name, "err", err, "again_after", lull)
	}
}

// bring finds or fetches a model, makes room for it and opens it. The bytes it returns
// are counted in m.taken when there is no error.
func (m *Models) bring(one *model) (engine.Model, int64, error) {
	here, err := m.find(m.ctx, one.name, func(p pull.Progress) {
		m.mu.Lock()
		defer m.mu.Unlock()
		one.far = p
	})
	if err != nil {
		return nil, 0, err
	}
	m.mu.Lock()
	one.far = pull.Progress{}
	err = m.reserve(one.name, here.size)
	m.mu.Unlock()
	if err != nil {
		return nil, 0, err
	}
	loaded, err := here.open()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken -= here.size
	if err != nil {
		return nil, 0, err
	}
	size := loaded.Size()
	m.taken += size
	return loaded, size, nil
}

// reserve makes room for size bytes, at the cost of models that have been idle longest.
// m.mu is held.
func (m *Models) reserve(name string, size int64) error {
	limit := m.cfg.Memory
	if limit > 0 && size > limit {
		return fault.Errorf(fault.NotReady, "The model %s takes about %s of memory; engine.memory allows %s for all models.", name, bytesText(size), bytesText(limit))
	}
	for limit > 0 && m.taken+size > limit {
		var oldest *model
		for _, o := range m.models {
			if o.loaded != nil && o.users == 0 && (oldest == nil || o.last.Before(oldest.last)) {
				oldest = o
			}
		}
		if oldest == nil {
			return busy(name)
		}
		m.unload(oldest, "its memory is needed")
	}
	m.taken += size
	return nil
}

// errAbsent is a model that is not on this machine and may not be fetched.
var errAbsent = errors.New("it is not on this machine")

// locate finds or fetches a model.
func (m *Models) locate(ctx context.Context, name string, far func(pull.Progress)) (*found, error) {
	p, err := pull.New(pull.Config{Dir: m.cfg.Dir, HuggingFace: m.cfg.HuggingFace, Index: m.cfg.Index, Progress: far})
	if err != nil {
		return nil, err
	}
	local, err := p.Find(name)
	switch {
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case m.cfg.Never:
		return nil, errAbsent
	default:
		m.cfg.Logger.Info("fetching a model", "model", name)
		far(pull.Progress{File: name, Total: -1})
		if local, err = p.Pull(ctx, name); err != nil {
			return nil, err
		}
	}
	cfg := m.cfg.Engine
	if cfg.Compute, err = m.kernels(); err != nil {
		return nil, err
	}
	cfg.Logger = m.cfg.Logger
	path := local.Weights()
	size, err := engine.Estimate(path, cfg)
	if err != nil {
		return nil, err
	}
	open := func() (engine.Model, error) { return engine.Open(path, cfg) } //nolint:contextcheck // what goes on in the background ends with the model
	return &found{size: size, open: open}, nil
}

// kernels returns the arithmetic that all models share.
func (m *Models) kernels() (*kernel.Compute, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.compute != nil {
		return m.compute, nil
	}
	c, err := kernel.New(kernel.Config{Threads: m.cfg.Threads})
	m.compute = c
	return c, err
}

// notReady is the fault of a model that could not be loaded.
func notReady(name string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	reason := "could not be loaded; the server's log says why"
	if errors.Is(err, errAbsent) {
		reason = "is not on this machine, and pull: never forbids to fetch it"
	}
	message := fmt.Sprintf("The model %s %s.", name, reason)
	if !filepath.IsAbs(name) {
		message += " Fetch it with: outcrop pull " + name
	}
	return &fault.Error{Kind: fault.NotReady, Resource: name, Err: err, Message: message}
}

// busy is the fault of a model that others leave no memory for.
func busy(name string) error {
	return &fault.Error{
		Kind: fault.Unavailable, Resource: name, RetryAfter: time.Second,
		Message: fmt.Sprintf("The model %s does not fit into memory beside the models that are in use (engine.memory). Try again soon.", name),
	}
}

func share(p pull.Progress) string {
	if p.Total <= 0 {
		return "it has just begun"
	}
	return fmt.Sprintf("%d %% of %d MB", p.Done*100/p.Total, p.Total/1e6)
}

func bytesText(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%d MB", n/1e6)
}
