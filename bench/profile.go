package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// profiled is how long a profile is taken.
const profiled = 5 * time.Second

// takeProfiles writes profiles of outcrop under load, one for each kind of call, to be
// read with `go tool pprof`. It does nothing unless it is asked to.
func takeProfiles(ctx context.Context, p plan, c *cast, r *reporter) error {
	if p.profile == "" {
		return nil
	}
	if err := os.MkdirAll(p.profile, 0o700); err != nil {
		return err
	}
	p.warmup, p.window = time.Second, profiled+time.Second
	for _, k := range []struct {
		name    string
		target  target
		clients int
	}{
		{"converse-1.pprof", c.converse(c.outcrop, fast, false), 1},
		{"converse-8.pprof", c.converse(c.outcrop, fast, false), 8},
		{"stream-8.pprof", c.converse(c.undelayed, slow, true), 8},
	} {
		path := filepath.Join(p.profile, k.name)
		fetched := make(chan error, 1)
		go func() { fetched <- fetchProfile(ctx, k.target.addr, path) }()
		_, err := drive(ctx, p, k.target, k.clients)
		if err := errors.Join(err, <-fetched); err != nil {
			return fmt.Errorf("profile %s: %w", k.name, err)
		}
		r.printf("\nprofile: %s\n", path)
	}
	return r.err
}

func fetchProfile(ctx context.Context, addr, path string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", addr, int(profiled.Seconds()))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, response.Body)
	return errors.Join(err, f.Close())
}
