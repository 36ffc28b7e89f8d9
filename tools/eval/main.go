// Command eval scores outcrop.reader-v1 on public test sets, beside a baseline of
// plain word overlap, through the interface that every caller uses.
//
//	go run ./tools/eval [-data ../shared/eval] [-only xquad|tools|cloudwatch] [-fail FILE]
//
// The data is not part of the project; it is found in $OUTCROP_SHARED/eval, or
// ../shared/eval. -fail writes what went wrong, for reading.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	shared := os.Getenv("OUTCROP_SHARED")
	if shared == "" {
		shared = "../shared"
	}
	data := flag.String("data", filepath.Join(shared, "eval"), "folder of the evaluation sets")
	only := flag.String("only", "", "run one evaluation: xquad, tools or cloudwatch")
	fail := flag.String("fail", "", "write failures to this file")
	flag.Parse()
	if err := run(ctx, *data, *only, *fail); err != nil {
		fmt.Fprintln(os.Stderr, "eval:", err)
		os.Exit(1)
	}
}

// subject is a model under evaluation.
type subject struct {
	name  string
	model llm.ChatModel
}

func run(ctx context.Context, data, only, fail string) error {
	var failures *os.File // nil: not wanted
	if fail != "" {
		f, err := os.Create(fail)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // notes for a reader
		failures = f
	}
	subjects := []subject{{"reader-v1", &embedded.Reader{}}, {"word overlap", overlap{}}}
	evals := []struct {
		name string
		run  func(context.Context, string, []subject, *os.File) error
	}{{"xquad", xquad}, {"tools", toolcalls}, {"cloudwatch", cloudwatch}}
	for _, e := range evals {
		if only != "" && only != e.name {
			continue
		}
		if err := e.run(ctx, data, subjects, failures); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return nil
}
