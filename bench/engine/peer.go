package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// request is a question to an engine. Each operation uses some of the fields.
type request struct {
	Op       string `json:"op"`
	Path     string `json:"path,omitempty"`
	Out      string `json:"out,omitempty"`
	Type     string `json:"type,omitempty"`
	Flash    string `json:"flash,omitempty"` // llama.cpp's flash attention: auto, off
	Cache    string `json:"cache,omitempty"` // our folder of packed files
	Threads  int    `json:"threads,omitempty"`
	Context  int    `json:"context,omitempty"`
	Requests int    `json:"requests,omitempty"` // at the same time
	Depth    int    `json:"depth,omitempty"`    // tokens of prompt before those decoded
	Tokens   int    `json:"tokens,omitempty"`
	Batch    int    `json:"batch,omitempty"`
}

// answer is what an engine says.
type answer struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	System  string `json:"system"`

	Seconds float64   `json:"seconds"`
	CPU     float64   `json:"cpu"`   // seconds of CPU time
	Steps   []float64 `json:"steps"` // seconds of each, where there were several

	Bandwidth float64 `json:"bandwidth"` // bytes/s
	FLOPS     float64 `json:"flops"`
	Bytes     int64   `json:"bytes"`   // of weights
	Vectors   []vec   `json:"vectors"` // of the first texts
}

type vec []float32

// reply is an answer or an error.
type reply struct {
	Result answer `json:"result"`
	Error  string `json:"error,omitempty"`
}

// peer is an engine in a process of its own. It is asked by one goroutine at a time.
type peer struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

// startPeer starts a command with variables in its environment besides those of this
// process.
func startPeer(ctx context.Context, variables []string, cmd ...string) (*peer, error) {
	p := &peer{name: filepath.Base(cmd[len(cmd)-1]), cmd: exec.CommandContext(ctx, cmd[0], cmd[1:]...)} //nolint:gosec // our own tools
	p.cmd.Stderr = os.Stderr
	p.cmd.Env = append(os.Environ(), variables...)
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return p, nil
}

// ask asks one question and waits for the answer.
func (p *peer) ask(q request) (answer, error) {
	line, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return answer{}, fmt.Errorf("%s, %s: %w", p.name, q.Op, err)
	}
	line, err = p.out.ReadBytes('\n')
	if err != nil {
		return answer{}, fmt.Errorf("%s, %s: %w", p.name, q.Op, errors.Join(err, p.cmd.Wait()))
	}
	var r reply
	if err := json.Unmarshal(line, &r); err != nil {
		return answer{}, fmt.Errorf("%s, %s: %w", p.name, q.Op, err)
	}
	if r.Error != "" {
		return answer{}, fmt.Errorf("%s, %s: %s", p.name, q.Op, r.Error)
	}
	return r.Result, nil
}

// peak returns the most memory that the process has held so far, in bytes.
func (p *peer) peak() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)) //nolint:gosec // a number
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("%s: the system doesn't say how much memory it held", p.name)
}

// close ends the process by ending its input.
func (p *peer) close() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}
