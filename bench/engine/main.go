// Command engine measures the embedded engine beside llama.cpp, in one run: the same
// files, the same machine, the same minutes.
//
// Both engines are processes that answer questions on their standard input: this
// program started again, and llama.py, which holds llama.cpp. One works while the
// other sleeps, in turns, and every figure is the median over rounds: what else goes
// on in the machine meets both. The limits of the machine, read bandwidth and
// multiply-adds per second, are measured in the same turns.
//
// The models are files of random weights in the shapes of SmolLM2-135M and
// Llama-3.2-1B, written by mkgguf.py and quantised by llama.cpp. Speed doesn't depend
// on what weights say.
//
// What it needs is installed into .cache/bench-engine, or is in the Python environment
// that BENCH_VENV names: llama.cpp is built there for this machine's processor, which
// takes some minutes once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench/engine:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be done
	}
}

// The roles in which this program starts itself.
const (
	roleEngine = "engine" // our engine, as a peer
	roleBusy   = "busy"   // a process that takes a core
)

// profileVariable names the file for a CPU profile to a peer.
const profileVariable = "OUTCROP_BENCH_PROFILE"

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 1 {
		switch args[0] {
		case roleEngine:
			return profiled(os.Getenv(profileVariable), func() error { return answerAll(ctx, os.Stdin, out) })
		case roleBusy:
			return beBusy(ctx)
		}
	}
	p, err := parse(args)
	if err != nil {
		return err
	}
	b, err := prepare(ctx, p)
	if err != nil {
		return err
	}
	err = b.measure(ctx)
	return errors.Join(err, b.report.write(out, p.json), b.close())
}

// section is one part of what is measured.
type section struct {
	name    string
	measure func(*bench, context.Context) error
}

func sections() []section {
	return []section{
		{"speed", (*bench).speed},
		{"context", (*bench).depth},
		{"serving", (*bench).serving},
		{"busy", (*bench).busy},
		{"load", (*bench).load},
		{"minilm", (*bench).miniLM},
	}
}

// plan is how much is measured.
type plan struct {
	folder  string   // models and tools
	json    string   // where the figures go; empty: nowhere
	only    []string // sections; empty: all
	shapes  []shape
	types   []string
	threads []int
	rounds  int
	prompt  int   // tokens of a prefill
	tokens  int   // decoded per round
	depths  []int // tokens of context, beside a short one
	onnx    string
	profile string // file for a CPU profile of our engine; empty: none
}

func parse(args []string) (plan, error) {
	flags := flag.NewFlagSet("bench/engine", flag.ContinueOnError)
	p := plan{
		shapes: shapes(), types: []string{"Q8_0", "Q4_0", "Q4_K_M", "F16"},
		rounds: 5, prompt: 512, tokens: 128, depths: []int{8192, 32768},
	}
	quick := flags.Bool("quick", false, "the small model alone and fewer rounds: a few minutes")
	only := flags.String("only", "", "sections to measure, separated by commas: speed, context, serving, busy, load, minilm")
	flags.StringVar(&p.folder, "dir", ".cache/bench-engine", "where models and tools are kept")
	flags.StringVar(&p.json, "json", "", "file for the figures as JSON")
	flags.IntVar(&p.rounds, "rounds", p.rounds, "rounds of each measurement")
	threads := flags.String("threads", "1,2", "numbers of threads, separated by commas")
	types := flags.String("types", strings.Join(p.types, ","), "types of weights, separated by commas")
	flags.StringVar(&p.onnx, "onnx", os.Getenv("MINILM_ONNX"), "all-MiniLM-L6-v2 as ONNX; fetched with mvn if absent")
	flags.StringVar(&p.profile, "profile", "", "file for a CPU profile of our engine")
	if err := flags.Parse(args); err != nil {
		return p, err
	}
	if *quick {
		p.shapes, p.rounds = p.shapes[:1], min(p.rounds, 3)
	}
	for name := range strings.SplitSeq(*only, ",") {
		if name == "" {
			continue
		}
		if !slices.ContainsFunc(sections(), func(s section) bool { return s.name == name }) {
			return p, fmt.Errorf("there is no section %q", name)
		}
		p.only = append(p.only, name)
	}
	p.types, p.threads = strings.Split(*types, ","), nil
	for n := range strings.SplitSeq(*threads, ",") {
		threads, err := strconv.Atoi(n)
		if err != nil || threads < 1 {
			return p, fmt.Errorf("%q threads", n)
		}
		p.threads = append(p.threads, threads)
	}
	if p.rounds < 1 {
		return p, fmt.Errorf("%d rounds", p.rounds)
	}
	return p, nil
}

// bench is a run.
type bench struct {
	plan
	tools  tools
	ours   *peer
	theirs *peer
	report report
}

// prepare gets tools and models, and starts both engines.
func prepare(ctx context.Context, p plan) (*bench, error) {
	t, err := findTools(ctx, p.folder)
	if err != nil {
		return nil, err
	}
	b := &bench{plan: p, tools: t, report: report{Began: time.Now()}}
	if b.theirs, err = t.python(ctx, "llama.py"); err != nil {
		return nil, err
	}
	if b.ours, err = t.self(ctx, roleEngine, profileVariable+"="+p.profile); err != nil {
		return nil, errors.Join(err, b.close())
	}
	for _, peer := range []*peer{b.ours, b.theirs} {
		a, err := peer.ask(request{Op: "about"})
		if err != nil {
			return nil, errors.Join(err, b.close())
		}
		b.report.Engines = append(b.report.Engines, engineInfo{Name: a.Name, Version: a.Version, System: a.System})
	}
	return b, nil
}

func (b *bench) close() error {
	var errs []error
	for _, p := range []*peer{b.ours, b.theirs} {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	return errors.Join(errs...)
}

// measure runs the sections. One that fails doesn't keep the others from being measured.
func (b *bench) measure(ctx context.Context) error {
	var errs []error
	for _, s := range sections() {
		if len(b.only) > 0 && !slices.Contains(b.only, s.name) {
			continue
		}
		progress("%s", s.name)
		if err := s.measure(b, ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// progress tells whoever waits what is going on.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// profiled runs f and writes its CPU profile into the file, if one is named.
func profiled(file string, f func() error) error {
	if file == "" {
		return f()
	}
	out, err := os.Create(file) //nolint:gosec // the file that -profile names
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return errors.Join(err, out.Close())
	}
	err = f()
	pprof.StopCPUProfile()
	return errors.Join(err, out.Close())
}
