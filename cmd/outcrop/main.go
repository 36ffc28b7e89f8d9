// Command outcrop serves Amazon Bedrock's API on this machine. Each verb has a file
// of its own; main reads the command line and turns errors into exit codes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "dev"

// cli is the command line.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Serve the API."`
	Env      envCmd      `cmd:"" help:"Print the variables that point AWS clients here: eval \"$(outcrop env)\"."`
	Converse converseCmd `cmd:"" help:"Say something to a model and print its answer."`
	Models   modelsCmd   `cmd:"" help:"Show what answers for each model ID."`
	Pull     pullCmd     `cmd:"" help:"Fetch a model, or list those on this machine."`
	Key      keyCmd      `cmd:"" help:"Create, list and revoke access keys and API keys."`
	Ledger   ledgerCmd   `cmd:"" help:"Show the recorded invocations."`
	Demo     demoCmd     `cmd:"" help:"Start a server on a throw-away folder, use it, and print what happened."`
	Doctor   doctorCmd   `cmd:"" help:"Check the configuration and reach every backend."`
	Coverage coverageCmd `cmd:"" help:"List every operation of the API: done, partial or not built."`
	Reset    resetCmd    `cmd:"" help:"Empty the data folder, after asking."`

	Version kong.VersionFlag `help:"Print the version." short:"V"`
}

// streams are where a command reads and writes; tests give their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal does not wait for what the first one drains
	os.Exit(run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// exit is what kong panics with, through its Exit hook, to end parsing early.
type exit int

// run executes one command line and returns its exit code: 0, 1 for an error,
// 2 for a command line that makes no sense, 130 after an interrupt.
func run(ctx context.Context, args []string, s streams) (code int) {
	defer func() {
		if e, ok := recover().(exit); ok {
			code = int(e)
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("outcrop"),
		kong.Description("Amazon Bedrock's API on your own machine. Start with: outcrop serve"),
		kong.Vars{"version": version},
		kong.Writers(s.out, s.err),
		kong.Exit(func(n int) { panic(exit(n)) }), //nolint:forbidigo // how kong ends --help; recovered above
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		_, _ = fmt.Fprintln(s.err, "outcrop:", err)
		return 2
	}
	k, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintln(s.err, "outcrop:", err)
		_, _ = fmt.Fprintln(s.err, "See outcrop --help.")
		return 2
	}
	switch err := k.Run(); {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 130
	default:
		_, _ = fmt.Fprintln(s.err, "outcrop:", err)
		return 1
	}
}
