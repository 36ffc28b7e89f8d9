package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed llama.py minilm.py mkgguf.py requirements.txt
var scripts embed.FS

// tools is what the benchmark runs besides itself.
type tools struct {
	folder string // of scripts
	venv   string
	exe    string // this program
}

// findTools writes the scripts into the folder, and makes a Python environment unless
// BENCH_VENV names one.
func findTools(ctx context.Context, folder string) (tools, error) {
	var t tools
	var err error
	if t.exe, err = os.Executable(); err != nil {
		return t, err
	}
	if t.folder, err = filepath.Abs(folder); err != nil {
		return t, err
	}
	if err := os.MkdirAll(t.folder, 0o750); err != nil {
		return t, err
	}
	names, err := scripts.ReadDir(".")
	if err != nil {
		return t, err
	}
	for _, n := range names {
		text, err := scripts.ReadFile(n.Name())
		if err != nil {
			return t, err
		}
		if err := os.WriteFile(filepath.Join(t.folder, n.Name()), text, 0o600); err != nil {
			return t, err
		}
	}
	if t.venv = os.Getenv("BENCH_VENV"); t.venv != "" {
		return t, nil
	}
	t.venv = filepath.Join(t.folder, "venv")
	return t, t.install(ctx)
}

// install makes the Python environment. llama.cpp is built from source, for this
// machine, with OpenMP and with its repacking of weights: its fastest form.
func (t tools) install(ctx context.Context) error {
	ready := filepath.Join(t.venv, ".ready")
	if _, err := os.Stat(ready); err == nil {
		return nil
	}
	progress("building llama.cpp in %s: some minutes, once", t.venv)
	pip := []string{filepath.Join(t.venv, "bin", "pip"), "install", "-q", "--disable-pip-version-check", "--no-binary", "llama-cpp-python", "-r", filepath.Join(t.folder, "requirements.txt")}
	for _, args := range [][]string{{"python3", "-m", "venv", t.venv}, pip} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // our own arguments
		cmd.Env = append(os.Environ(), "CMAKE_ARGS=-DGGML_NATIVE=ON -DGGML_OPENMP=ON -DGGML_CPU_REPACK=ON")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
	}
	return os.WriteFile(ready, nil, 0o600)
}

// python starts a script as a peer.
func (t tools) python(ctx context.Context, script string, args ...string) (*peer, error) {
	return startPeer(ctx, nil, append([]string{filepath.Join(t.venv, "bin", "python"), filepath.Join(t.folder, script)}, args...)...)
}

// self starts this program as a peer, with variables in its environment.
func (t tools) self(ctx context.Context, role string, variables ...string) (*peer, error) {
	return startPeer(ctx, variables, t.exe, role)
}

// script runs a script to its end.
func (t tools) script(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(t.venv, "bin", "python"), append([]string{filepath.Join(t.folder, name)}, args...)...) //nolint:gosec // our own tools
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// exists reports whether there is a file at path.
func exists(path string) (bool, error) {
	_, err := os.Stat(path) //nolint:gosec // what -dir and the environment name
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
