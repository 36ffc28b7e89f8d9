package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// reporter prints. It remembers the first error of the writer.
type reporter struct {
	out io.Writer
	err error
}

func (r *reporter) printf(format string, args ...any) {
	if r.err == nil {
		_, r.err = fmt.Fprintf(r.out, format, args...)
	}
}

// environment says what the figures were measured on.
func (r *reporter) environment(p plan) {
	r.printf("%s/%s, %s, %d cores (%s), load %s\n", runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.NumCPU(), cpuName(), load())
	r.printf("%d rounds of %v after %v; the mock server, the proxy, outcrop and the clients share the cores\n", p.rounds, p.window, p.warmup)
}

func cpuName() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer func() { _ = f.Close() }() // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
			return strings.TrimLeft(name, "\t: ")
		}
	}
	return "unknown processor"
}

func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(data), " ")
	return one
}

func (r *reporter) plainTitle(m model) {
	r.printf("\nConverse against chat completions, upstream answers after %v\n", m.delay)
	r.printf("%-8s %-18s %12s %8s %10s %10s %10s %10s %10s\n", "clients", "way", "cpu/request", "ratio", "requests/s", "p50", "p99", "added p50", "added p99")
}

// plain prints the results of direct, proxy and outcrop.
func (r *reporter) plain(clients int, results []result) {
	r.rows(clients, results, []string{"direct", "proxy", "outcrop"})
}

// rows prints a line for each result; the first two are those without outcrop.
func (r *reporter) rows(clients int, results []result, names []string) {
	direct, proxy := &results[0], &results[1]
	for i, name := range names {
		res := &results[i]
		r.printf("%-8d %-18s %12s %8s %10.0f", clients, name, micros(res.perRequest()), ratio(i, res, proxy), res.rate())
		for _, q := range quantiles {
			r.printf(" %10s", quantile(res, nil, q))
		}
		if i > 0 {
			for _, q := range quantiles {
				r.printf(" %10s", quantile(res, direct, q))
			}
		}
		r.printf("\n")
	}
}

var quantiles = []float64{0.5, 0.99}

// quantile returns a quantile of the times, less that of base, unless there are too few
// times to tell.
func quantile(res, base *result, q float64) string {
	if float64(len(res.times))*(1-q) < 1 {
		return "-"
	}
	d := res.quantile(q)
	if base != nil {
		d -= base.quantile(q)
	}
	return micros(d)
}

// ratio returns how much more CPU outcrop uses than the proxy; the mock server's own
// figure says nothing.
func ratio(i int, res, proxy *result) string {
	if i < 1 || proxy.cpu == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(res.perRequest())/float64(proxy.perRequest()))
}

func (r *reporter) streamTitle(m model) {
	r.printf("\nConverseStream against a stream of chat completions, %d deltas %v apart, first after %v\n", streamDeltas, streamPace, m.delay)
	r.printf("%-8s %-18s %12s %8s %10s %10s %10s %10s %10s\n", "clients", "way", "cpu/stream", "ratio", "streams/s", "ttft p50", "ttft p99", "added p50", "added p99")
}

// streams prints the results of direct, proxy and outcrop with and without its delay.
func (r *reporter) streams(clients int, results []result) {
	r.rows(clients, results, []string{"direct", "proxy", "outcrop", "outcrop, no delay"})
}

// memory prints the resident memory of a process.
func (r *reporter) memory(when string, p *process) error {
	bytes, err := p.memory()
	if err != nil {
		return err
	}
	r.printf("\nmemory of outcrop %s: %.1f MB\n", when, float64(bytes)/1e6)
	return r.err
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
}

// measureStart measures first starts, on empty data folders and without a
// configuration, until a Converse call is answered, and the memory some time later.
func measureStart(ctx context.Context, p plan, dir string, r *reporter) error {
	var times []time.Duration
	for i := range p.startups {
		addr, err := freeAddr(ctx)
		if err != nil {
			return err
		}
		data := filepath.Join(dir, fmt.Sprint("start-", i))
		began := time.Now()
		process, err := startOutcrop(ctx, p.outcrop, "--data", data, "--listen", addr)
		if err != nil {
			return err
		}
		_, err = awaitAnswer(ctx, addr, data, "amazon.nova-lite-v1:0")
		times = append(times, time.Since(began))
		if err == nil && i == p.startups-1 {
			time.Sleep(3 * time.Second) // what the start left has been collected
			err = r.memory("idle, 3 s after its first answer", process)
		}
		if stopErr := process.stop(); err != nil || stopErr != nil {
			return fmt.Errorf("start: %w, %w: %s", err, stopErr, process.stderr)
		}
	}
	slices.Sort(times)
	r.printf("first start on an empty data folder to the first answered Converse call: %v (median of %d, %v to %v)\n",
		times[len(times)/2].Round(time.Millisecond), len(times), times[0].Round(time.Millisecond), times[len(times)-1].Round(time.Millisecond))
	return r.err
}
