package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/server"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// doctorCmd checks what a server needs and explains what is wrong.
type doctorCmd struct {
	location
	Timeout time.Duration `help:"How long to wait for each backend." default:"10s"`
}

// Help says what is checked.
func (doctorCmd) Help() string {
	return `Checks the configuration file, the data folder and the store, asks every backend for its models,
and says for each target whether its backend has the model. It changes nothing and sends no prompt.
The exit code is 1 when something is wrong.`
}

// report prints findings and remembers whether one was bad.
type report struct {
	w   io.Writer
	bad int
}

func (r *report) ok(name, format string, args ...any) {
	_, _ = fmt.Fprintf(r.w, "ok    %-10s %s\n", name, fmt.Sprintf(format, args...))
}

func (r *report) warn(name, format string, args ...any) {
	_, _ = fmt.Fprintf(r.w, "note  %-10s %s\n", name, fmt.Sprintf(format, args...))
}

func (r *report) fail(name string, err error) {
	r.bad++
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	_, _ = fmt.Fprintf(r.w, "WRONG %-10s %s\n", name, strings.Join(lines, "\n                 "))
}

// Run checks everything it can reach, also after the first mistake.
func (c *doctorCmd) Run(ctx context.Context, s streams) error {
	r := &report{w: s.out}
	cfg, err := c.load()
	if err != nil {
		r.fail("config", err)
	} else {
		r.ok("config", "%d backends, %d models of its own", len(cfg.Backends), len(cfg.Models))
		c.folder(ctx, r, cfg)
		c.listener(ctx, r, cfg)
		c.backends(ctx, r, cfg)
	}
	if r.bad > 0 {
		return fmt.Errorf("%d of the checks failed", r.bad)
	}
	return nil
}

func (c *doctorCmd) folder(ctx context.Context, r *report, cfg config.Config) {
	info, err := os.Stat(cfg.Data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		r.ok("data", "%s will be made by the first start", cfg.Data)
		return
	case err != nil:
		r.fail("data", err)
		return
	case !info.IsDir():
		r.fail("data", fmt.Errorf("%s is no folder", cfg.Data))
		return
	case info.Mode().Perm()&0o077 != 0:
		r.warn("data", "%s can be read by other users (mode %o); keys in it are 0600 all the same", cfg.Data, info.Mode().Perm())
	default:
		r.ok("data", "%s", cfg.Data)
	}
	if locked, err := ledger.Locked(filepath.Join(cfg.Data, "ledger")); err == nil && locked {
		r.ok("server", "one is running on this folder")
	}
	if cfg.Store == "sqlite" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	d, err := db.Open(ctx, cfg.Store)
	if err != nil {
		r.fail("store", err)
		return
	}
	r.ok("store", "PostgreSQL answers")
	if err := d.Close(); err != nil {
		r.fail("store", err)
	}
}

func (c *doctorCmd) listener(ctx context.Context, r *report, cfg config.Config) {
	host, _, _ := net.SplitHostPort(cfg.Listen) // validated
	if cfg.TLS == nil && !config.Loopback(host) {
		r.warn("listen", "%s is reachable from other machines in clear text", cfg.Listen)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		r.warn("listen", "%s is in use: fine when that is the server", cfg.Listen)
		return
	}
	r.ok("listen", "%s is free", cfg.Listen)
	_ = l.Close() // nothing was accepted
}

func (c *doctorCmd) backends(ctx context.Context, r *report, cfg config.Config) {
	b, err := server.NewBackends(cfg, nil)
	if err != nil {
		r.fail("backends", err)
		return
	}
	defer b.Close()
	has := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(b.Upstreams)) {
		ctx, cancel := context.WithTimeout(ctx, c.Timeout)
		models, err := b.Upstreams[name].Models(ctx)
		cancel()
		if err != nil {
			r.fail(name, err)
			continue
		}
		has[name] = models
		r.ok(name, "answers; models: %s", shorten(models))
	}
	for _, id := range slices.Sorted(maps.Keys(cfg.Models)) {
		for _, t := range cfg.Models[id].Targets {
			name, model, _ := strings.Cut(t, "/")
			if models, ok := has[name]; ok && len(models) > 0 && !slices.Contains(models, model) {
				r.warn("target", "%s: %s does not list a model %q (it may serve it all the same)", id, name, model)
			}
		}
	}
	for _, l := range server.Hints(cfg) {
		r.warn("hint", "%s", l.Text)
	}
}

func shorten(models []string) string {
	const shown = 6
	if len(models) > shown {
		return strings.Join(models[:shown], ", ") + fmt.Sprintf(" and %d more", len(models)-shown)
	}
	if len(models) == 0 {
		return "none listed"
	}
	return strings.Join(models, ", ")
}
