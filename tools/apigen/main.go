// Apigen writes internal/gen: Go types, schemas and service interfaces of the AWS
// APIs that Outcrop serves. It reads the models in a pinned release of botocore,
// which it downloads with pip and checks, and takes their facts only: no prose of
// theirs reaches the output.
//
// Three files beside it say what to take: operations.txt names the operations,
// overrides.txt removes constraints that refuse what AWS accepts, and patterns.go
// says in Go's words what Go's regular expressions cannot.
//
//	go run ./tools/apigen [-check] [-cache DIR] [-out DIR]
//
// The output depends on nothing but the release and these files. With -check
// nothing is written: it fails when a file would change.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
)

//go:embed operations.txt
var operationsText string

//go:embed overrides.txt
var overridesText string

func main() {
	cache := flag.String("cache", ".cache/apigen", "folder for the downloaded release")
	out := flag.String("out", "internal/gen", "folder to write packages to")
	check := flag.Bool("check", false, "write nothing, fail when a file would change")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *cache, *out, *check)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cache, out string, check bool) error {
	rel, err := openRelease(ctx, cache)
	if err != nil {
		return err
	}
	defer rel.Close() //nolint:errcheck // only read
	cfg, err := parseConfig(operationsText, overridesText)
	if err != nil {
		return err
	}
	var stale []error
	for _, name := range cfg.services() {
		m, err := rel.model(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		files, err := generate(m, cfg.service(name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		dir := filepath.Join(out, packageName(name))
		if check {
			stale = append(stale, compare(dir, files)...)
			continue
		}
		if err := write(dir, files); err != nil {
			return err
		}
	}
	if err := cfg.unused(); err != nil {
		return err
	}
	return errors.Join(stale...)
}

// file is a generated file.
type file struct {
	name string
	text []byte
}

func write(dir string, files []file) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // source code
		return err
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.text, 0o644); err != nil { //nolint:gosec // source code
			return err
		}
	}
	return nil
}

// compare returns an error for each file in dir that is not as generated, and for
// each that is not generated at all.
func compare(dir string, files []file) []error {
	var errs []error
	var names []string
	for _, f := range files {
		names = append(names, f.name)
		path := filepath.Join(dir, f.name)
		old, err := os.ReadFile(path) //nolint:gosec // a path of our own
		if err != nil {
			errs = append(errs, err)
		} else if !bytes.Equal(old, f.text) {
			errs = append(errs, fmt.Errorf("%s is stale: run make gen", path))
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return errs // the files above are missing as well
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			errs = append(errs, fmt.Errorf("%s is not generated: nothing else belongs there", filepath.Join(dir, e.Name())))
		}
	}
	return errs
}
