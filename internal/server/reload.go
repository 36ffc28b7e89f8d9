package server

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	openaibackend "github.com/outcrop-ai/outcrop/internal/backend/openai"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// detectEvery is how often a model server on this machine is looked for.
const detectEvery = 10 * time.Second

// Reload takes over what of c is safe to change while serving: backends, models,
// stand-ins and detection. Calls under way end as they began. When c has problems
// nothing changes. It returns the keys that differ and need a restart.
func (s *Server) Reload(c config.Config) (restart []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reload(c)
}

// reload is Reload; s.mu is held.
func (s *Server) reload(given config.Config) (restart []string, err error) {
	c := withLocal(given, s.log)
	backends, err := NewBackends(c, s.models)
	if err != nil {
		return nil, err
	}
	local := s.local
	if !c.AutoDetect {
		local = nil
	}
	if err := s.apply(backends, c, local); err != nil {
		backends.Close()
		return nil, err
	}
	old := s.config
	s.given = merge(s.given, given)
	// The old backends' connections close by themselves once idle: calls may use them.
	s.backends, s.config, s.local = backends, merge(old, c), local
	return needRestart(old, c), nil
}

// apply makes the catalog and the gateway use c, both or neither.
func (s *Server) apply(b *Backends, c config.Config, local []openaibackend.Local) error {
	routes, err := b.routes(c, local)
	if err != nil {
		return err
	}
	// The gateway asks the catalog for the models that its routes name.
	if err := s.catalog.Reload(catalog.Config{Regions: s.config.Regions, Models: entries(c)}); err != nil {
		return err
	}
	err = s.gateway.Apply(routes)
	if err == nil {
		return nil
	}
	undo := s.catalog.Reload(catalog.Config{Regions: s.config.Regions, Models: entries(s.config)})
	return errors.Join(err, undo)
}

// current returns the configuration in force.
func (s *Server) current() config.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config
}

// merge returns old with what a reload takes from c.
func merge(old, c config.Config) config.Config {
	old.Backends, old.Models, old.StandIns, old.AutoDetect = c.Backends, c.Models, c.StandIns, c.AutoDetect
	return old
}

func needRestart(old, c config.Config) []string {
	var keys []string
	differ := func(key string, same bool) {
		if !same {
			keys = append(keys, key)
		}
	}
	differ("listen", old.Listen == c.Listen)
	differ("tls", (old.TLS == nil) == (c.TLS == nil) && (old.TLS == nil || *old.TLS == *c.TLS))
	differ("data", old.Data == c.Data)
	differ("objects", reflect.DeepEqual(old.Objects, c.Objects))
	differ("store", old.Store == c.Store)
	differ("master_key", old.MasterKey == c.MasterKey)
	differ("account", old.Account == c.Account)
	differ("regions", slices.Equal(old.Regions, c.Regions))
	differ("default_region", old.DefaultRegion == c.DefaultRegion)
	differ("stream_delay", old.StreamDelay == c.StreamDelay)
	differ("timeout", old.Timeout == c.Timeout)
	differ("ledger", old.Ledger == c.Ledger)
	differ("log", old.Log == c.Log)
	differ("engine", old.Engine == c.Engine)
	differ("pull", old.Pull == c.Pull)
	differ("models_dir", old.ModelsDir == c.ModelsDir)
	differ("hugging_face", old.HuggingFace == c.HuggingFace)
	differ("package_index", old.PackageIndex == c.PackageIndex)
	differ("debug", old.Debug == c.Debug)
	return keys
}

// detect looks for model servers on this machine, now and then again, and lets them
// stand in before Outcrop's own models do. It returns when ctx ends.
func (s *Server) detect(ctx context.Context) {
	tick := time.NewTicker(detectEvery)
	defer tick.Stop()
	for {
		s.detectOnce(ctx)
		s.relist()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) detectOnce(ctx context.Context) {
	wanted := func(c config.Config) bool { return c.AutoDetect && c.StandIns }
	if !wanted(s.current()) {
		return
	}
	found := s.detector.Detect(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil || !wanted(s.config) || sameLocals(s.local, found) {
		return
	}
	routes, err := s.backends.routes(s.config, found)
	if err == nil {
		err = s.gateway.Apply(routes)
	}
	if err != nil {
		s.log.Warn("a model server on this machine cannot be used", "err", err)
		return
	}
	s.local = found
	for _, l := range found {
		s.log.Info("a model server on this machine stands in for models without a target",
			"server", l.Server, "url", l.BaseURL, "model", l.Models[0])
	}
	if len(found) == 0 {
		s.log.Info("the model server on this machine is gone; Outcrop's own models stand in")
	}
}

// relist takes over models that have come to this machine, or gone.
func (s *Server) relist() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := withLocal(s.given, s.log)
	if maps.EqualFunc(now.Models, s.config.Models, func(a, b config.Model) bool { return slices.Equal(a.Targets, b.Targets) }) {
		return
	}
	if _, err := s.reload(s.given); err != nil {
		s.log.Warn("the models of this machine have changed and cannot be used", "err", err)
		return
	}
	for id := range now.Models {
		if strings.HasPrefix(id, localPrefix) {
			s.log.Info("a model on this machine", "id", id)
		}
	}
}

func sameLocals(a, b []openaibackend.Local) bool {
	return slices.EqualFunc(a, b, func(a, b openaibackend.Local) bool {
		return a.BaseURL == b.BaseURL && a.Models[0] == b.Models[0]
	})
}
