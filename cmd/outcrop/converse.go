package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/client"
)

// converseCmd is a small Converse client that reads the same AWS_* variables as the
// official ones.
type converseCmd struct {
	Model string `arg:"" help:"Model ID, ARN or inference profile."`
	Text  string `arg:"" optional:"" help:"What to say; \"-\" or nothing reads standard input."`

	Stream      bool     `help:"Print the answer as it comes."`
	System      string   `help:"System prompt."`
	Document    []string `help:"File for the model to read (repeatable); its citations are shown." type:"existingfile"`
	MaxTokens   int      `help:"Longest answer, in tokens."`
	Temperature *float64 `help:"Sampling temperature, 0 to 1."`
	JSON        bool     `help:"Print the whole response as JSON." name:"json"`
}

// Help shows examples.
func (converseCmd) Help() string {
	return `Examples:
  eval "$(outcrop env)"
  outcrop converse --stream outcrop.reader-v1 "What can you do?"
  outcrop converse --document runbook.md us.anthropic.claude-3-5-sonnet-20241022-v2:0 "Who is on call?"`
}

// maxInput bounds what is read from standard input and from documents.
const maxInput = 16 << 20

// Run sends the request and prints the answer.
func (c *converseCmd) Run(ctx context.Context, s streams) error {
	cl, err := client.FromEnv(os.Getenv)
	if err != nil {
		return err
	}
	if c.Text == "" || c.Text == "-" {
		text, err := readBounded(s.in, "standard input")
		if err != nil {
			return err
		}
		c.Text = strings.TrimSpace(string(text))
	}
	req, err := c.request()
	if err != nil {
		return err
	}
	if c.Stream {
		return c.stream(ctx, cl, req, s)
	}
	return c.whole(ctx, cl, req, s)
}

func (c *converseCmd) whole(ctx context.Context, cl *client.Client, req any, s streams) error {
	var raw json.RawMessage
	header, err := cl.Converse(ctx, c.Model, req, &raw)
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := fmt.Fprintln(s.out, string(raw))
		return err
	}
	var resp client.ConverseResponse
	if err := json.Unmarshal(raw, &resp); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	printAnswer(s.out, &resp)
	c.footer(s, header.Get("x-outcrop-served-by"), resp.StopReason, resp.Usage)
	return nil
}

func (c *converseCmd) stream(ctx context.Context, cl *client.Client, req any, s streams) error {
	out := bufio.NewWriter(s.out)
	defer func() { _ = out.Flush() }() // flushed after each event
	var served, stop string
	var cited []client.Citation
	for e, err := range cl.ConverseStream(ctx, c.Model, req) {
		if err != nil {
			return err
		}
		if c.JSON {
			_, _ = fmt.Fprintf(out, "{%q:%s}\n", e.Type, e.Payload)
			if err := out.Flush(); err != nil {
				return err
			}
			continue
		}
		var p client.StreamPayload
		if err := json.Unmarshal(e.Payload, &p); err != nil {
			return fmt.Errorf("reading a %s event: %w", e.Type, err)
		}
		served = e.Header.Get("x-outcrop-served-by")
		switch {
		case p.Start.ToolUse != nil:
			_, _ = fmt.Fprintf(out, "[%s] ", p.Start.ToolUse.Name)
		case p.Delta.ToolUse != nil:
			_, _ = out.WriteString(p.Delta.ToolUse.Input)
		case p.Delta.Citation != nil:
			cited = append(cited, *p.Delta.Citation)
			_, _ = fmt.Fprintf(out, " [%d]", len(cited))
		case p.StopReason != "":
			stop = p.StopReason
			_ = out.WriteByte('\n')
			printCitations(out, cited)
		case e.Type == "metadata":
			if err := out.Flush(); err != nil {
				return err
			}
			c.footer(s, served, stop, p.Usage)
		default:
			_, _ = out.WriteString(p.Delta.Text)
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	if stop == "" && !c.JSON {
		return errors.New("the stream ended before the answer did")
	}
	return nil
}

// footer says on standard error how the answer was made, so that standard output
// holds the answer alone.
func (c *converseCmd) footer(s streams, served, stop string, u client.Usage) {
	if !isTerminal(s.err) {
		return
	}
	_, _ = fmt.Fprintf(s.err, "\n[%s; %s; %d tokens in, %d out]\n", served, stop, u.InputTokens, u.OutputTokens)
}

func (c *converseCmd) request() (*client.ConverseRequest, error) {
	if c.Text == "" {
		return nil, errors.New("nothing to say: give a text, or pipe one in")
	}
	req := &client.ConverseRequest{}
	content := []client.Block{{Text: &c.Text}}
	for _, name := range c.Document {
		block, err := documentBlock(name)
		if err != nil {
			return nil, err
		}
		content = append(content, *block)
	}
	req.Messages = []client.Message{{Role: "user", Content: content}}
	if c.System != "" {
		req.System = []client.Block{{Text: &c.System}}
	}
	if c.MaxTokens != 0 || c.Temperature != nil {
		req.InferenceConfig = &client.InferenceConfig{MaxTokens: c.MaxTokens, Temperature: c.Temperature}
	}
	return req, nil
}

func readBounded(r io.Reader, name string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(b) > maxInput {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxInput>>20)
	}
	return b, nil
}
