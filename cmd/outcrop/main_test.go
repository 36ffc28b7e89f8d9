package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/client"
)

// beOutcrop makes the test's binary the command itself: tests start it as a process of
// its own, to signal and to kill.
const beOutcrop = "OUTCROP_TEST_IS_OUTCROP"

func TestMain(m *testing.M) {
	if os.Getenv(beOutcrop) != "" {
		main() // exits
	}
	// Models that Ollama happens to have on this machine are none of these tests' business.
	if err := os.Setenv("OLLAMA_MODELS", os.DevNull); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// result is what one command line left.
type result struct {
	code     int
	out, err string
}

// outcrop runs a command line in this process.
func outcrop(t *testing.T, in string, args ...string) result {
	t.Helper()
	var out, errOut strings.Builder
	code := run(t.Context(), args, streams{in: strings.NewReader(in), out: &out, err: &errOut})
	return result{code, out.String(), errOut.String()}
}

// ok runs a command line that has to work, and returns what it printed.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	r := outcrop(t, "", args...)
	if r.code != 0 {
		t.Fatalf("outcrop %s: exit code %d: %s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

// fails runs a command line that has to fail with code and a text.
func fails(t *testing.T, code int, text string, args ...string) {
	t.Helper()
	r := outcrop(t, "", args...)
	if r.code != code || !strings.Contains(r.out+r.err, text) {
		t.Errorf("outcrop %s: exit code %d, want %d: %q, want %q", strings.Join(args, " "), r.code, code, r.out+r.err, text)
	}
}

// process is a server in a process of its own.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	dir      string
	addr     string
	endpoint string
	log      *lines
}

// serve starts one on a folder, and waits until it says where it listens.
func serve(t *testing.T, dir string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, log: &lines{}}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "serve", "--listen", "127.0.0.1:0", "--data", dir)
	p.cmd.Env = append(os.Environ(), beOutcrop+"=1")
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // unless it has ended
		_ = p.cmd.Wait()
	})
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	f := strings.Fields(line)
	if err != nil || len(f) < 2 || f[0] != "endpoint" {
		t.Fatalf("the first line is %q (%v); the log: %s", line, err, p.log)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }() // until the process ends
	p.endpoint = f[1]
	p.addr = strings.TrimPrefix(p.endpoint, "http://")
	return p
}

// stop sends a signal and returns the process's exit code.
func (p *process) stop(s os.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// client returns a client with the folder's root key.
func (p *process) client() *client.Client {
	p.t.Helper()
	c, err := rootClient(p.endpoint, p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// lines keeps a process's log. It is safe for concurrent use.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait returns once the log holds text.
func (l *lines) wait(t *testing.T, text string) {
	t.Helper()
	waitFor(t, text+" in the log", func() bool { return strings.Contains(l.String(), text) })
}

// waitFor polls for what another process is about to do.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// testdata writes files into a folder and returns it.
func testdata(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
