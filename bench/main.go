// Command bench measures what Outcrop's gateway costs, beside the least that any
// gateway can cost.
//
// In one run, on loopback, it drives the same mock model server three ways: directly,
// through a bare httputil.ReverseProxy with the same transport as Outcrop's backends,
// and through `outcrop serve`, where every request is verified (SigV4), validated,
// authorised, converted from Converse to chat completions and back, and recorded in the
// ledger. Each of the three is a process of its own, so its CPU time is its own. The
// clients keep their connections alive and send requests that were signed before the
// clock starts; they parse as little as they can.
//
// It prints CPU per request, throughput and added latency, then the same for streams,
// the time from the first start on an empty data folder to the first answer, and the
// memory of an idle server.
//
// The CPU time of a process is read when it has become quiet after the load, so that
// work which it put off, such as filling the ledger's database, counts too.
//
// Everything runs on one machine and shares its cores: throughput is that of the
// three processes together. CPU per request is the figure to compare.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // `bench | head` must not leave servers behind
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be done
	}
}

// plan is how much is measured.
type plan struct {
	outcrop  string // the binary
	window   time.Duration
	warmup   time.Duration
	rounds   int
	clients  []int
	startups int
	profile  string // folder for CPU profiles of outcrop; empty: none
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 2 {
		switch args[0] {
		case roleUpstream:
			return serveUpstream(ctx)
		case roleProxy:
			return serveProxy(ctx, args[1])
		}
	}
	p, err := parse(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.limit())
	defer cancel()
	dir, err := os.MkdirTemp("", "outcrop-bench-")
	if err != nil {
		return err
	}
	began := time.Now()
	err = measure(ctx, p, dir, out)
	if err == nil {
		_, err = fmt.Fprintf(out, "\nmeasured in %v\n", time.Since(began).Round(time.Second))
	}
	return errors.Join(err, os.RemoveAll(dir))
}

func parse(args []string) (plan, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	outcrop := flags.String("outcrop", filepath.Join("bin", "outcrop"), "the binary to measure")
	quick := flags.Bool("quick", false, "half a minute, for a first look")
	profile := flags.String("profile", "", "folder for CPU profiles of outcrop under load")
	if err := flags.Parse(args); err != nil {
		return plan{}, err
	}
	path, err := filepath.Abs(*outcrop)
	if err != nil {
		return plan{}, err
	}
	if _, err := os.Stat(path); err != nil {
		return plan{}, fmt.Errorf("%w: run `make build` first", err)
	}
	p := plan{
		outcrop: path, profile: *profile,
		window: 1500 * time.Millisecond, warmup: 300 * time.Millisecond,
		rounds: 2, clients: []int{1, 8, 64}, startups: 5,
	}
	if *quick {
		p.window, p.warmup, p.rounds, p.clients, p.startups = 600*time.Millisecond, 150*time.Millisecond, 1, []int{1, 8}, 2
	}
	return p, nil
}

// limit bounds the whole run.
func (p plan) limit() time.Duration {
	if p.profile != "" {
		return 5 * time.Minute
	}
	return 4 * time.Minute
}

// measure runs the whole plan.
func measure(ctx context.Context, p plan, dir string, out io.Writer) error {
	r := reporter{out: out}
	r.environment(p)
	c, err := startCast(ctx, p, dir)
	if err != nil {
		return errors.Join(err, c.stop())
	}
	err = errors.Join(
		measurePlain(ctx, p, c, &r),
		measureStreams(ctx, p, c, &r),
		takeProfiles(ctx, p, c, &r),
		r.memory("after load", c.outcrop.process),
		c.stop(),
	)
	if err != nil {
		return err
	}
	return measureStart(ctx, p, dir, &r)
}

func measurePlain(ctx context.Context, p plan, c *cast, r *reporter) error {
	for _, m := range []model{fast, slow} {
		r.plainTitle(m)
		targets := []target{c.direct(m, false), c.proxied(m, false), c.converse(c.outcrop, m, false)}
		for _, clients := range p.clients {
			results, err := compare(ctx, p, targets, clients)
			if err != nil {
				return err
			}
			r.plain(clients, results)
		}
	}
	return r.err
}

func measureStreams(ctx context.Context, p plan, c *cast, r *reporter) error {
	r.streamTitle(slow)
	targets := []target{
		c.direct(slow, true), c.proxied(slow, true),
		c.converse(c.outcrop, slow, true), c.converse(c.undelayed, slow, true),
	}
	for _, clients := range p.clients {
		results, err := compare(ctx, p, targets, clients)
		if err != nil {
			return err
		}
		r.streams(clients, results)
	}
	return r.err
}

// compare drives the targets in turns, so that what else the machine does meets them
// all, and adds up the rounds.
func compare(ctx context.Context, p plan, targets []target, clients int) ([]result, error) {
	results := make([]result, len(targets))
	for range p.rounds {
		for i, t := range targets {
			r, err := drive(ctx, p, t, clients)
			if err != nil {
				return nil, fmt.Errorf("%s, %d clients: %w", t.name, clients, err)
			}
			results[i].add(r)
		}
	}
	return results, nil
}
