package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/outcrop-ai/outcrop/internal/server"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// serveCmd runs the server until it is told to stop.
type serveCmd struct {
	location
}

// Help shows examples.
func (serveCmd) Help() string {
	return `Without a configuration file everything has a default: the data folder is made, a root key is
created, and Outcrop's own models answer. SIGHUP reloads backends and models, SIGINT and SIGTERM
drain open streams and stop.

Examples:
  outcrop serve
  outcrop serve --listen 127.0.0.1:4600 --data ./data
  outcrop serve --config outcrop.yaml`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log := newLogger(cfg.Log, s.err)
	// Before there is a server to reload: a hang-up must never end the process.
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	srv, err := server.New(ctx, cfg, log)
	if err != nil {
		return err
	}
	printBanner(s.out, srv.Describe())
	ctx, cancel := context.WithCancel(ctx)
	var reloads sync.WaitGroup
	reloads.Go(func() { c.reload(ctx, hup, srv, log) })
	err = srv.Run(ctx)
	cancel()
	reloads.Wait()
	return err
}

// reload takes over a changed configuration file at each hang-up until ctx ends.
func (c *serveCmd) reload(ctx context.Context, hup <-chan os.Signal, srv *server.Server, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		cfg, err := c.load()
		if err != nil {
			log.Error("the configuration was not reloaded", "err", err)
			continue
		}
		restart, err := srv.Reload(cfg)
		if err != nil {
			log.Error("the configuration was not reloaded", "err", err)
			continue
		}
		log.Info("configuration reloaded")
		if len(restart) > 0 {
			log.Warn("changed keys that need a restart", "keys", strings.Join(restart, ", "))
		}
	}
}

func newLogger(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // validated with the configuration
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// printBanner says in a line each where the server is, what serves which models, and how
// to get a better one.
func printBanner(w io.Writer, lines []server.Line) {
	width := 0
	for _, l := range lines {
		width = max(width, len(l.Name))
	}
	for _, l := range lines {
		_, _ = fmt.Fprintf(w, "%-*s  %s\n", width, l.Name, l.Text)
	}
}
