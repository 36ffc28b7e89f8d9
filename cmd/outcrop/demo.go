package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/client"
	"github.com/outcrop-ai/outcrop/internal/server"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// demoCmd shows the main job without any other client.
type demoCmd struct {
	Keep bool `help:"Keep the throw-away data folder and say where it is."`
}

// Help says what happens.
func (demoCmd) Help() string {
	return `Starts a server on a free port of this machine with a throw-away data folder, asks it a question about
a document, runs a tool loop and a stream over HTTP with signed requests, and shows the ledger.
"make demo" does the same through boto3 and the AWS CLI.`
}

const demoModel = "anthropic.claude-3-5-sonnet-20241022-v2:0"

const demoRunbook = `# Search service

The search service runs on port 7443 behind the internal load balancer.
Its index is rebuilt every night at 01:30 UTC and takes about 40 minutes.
When a rebuild fails, roll back to the previous index with ` + "`searchctl rollback`" + ` and page the search team.
The search team is on call around the clock; the escalation contact is Dana Whitfield.
`

// Run starts, uses and stops a server.
func (c *demoCmd) Run(ctx context.Context, s streams) (err error) {
	dir, err := os.MkdirTemp("", "outcrop-demo-")
	if err != nil {
		return err
	}
	if c.Keep {
		_, _ = fmt.Fprintf(s.out, "data folder: %s\n", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }() // a folder of the system's for temporary files
	}
	cfg := config.Default()
	cfg.Data, cfg.Listen, cfg.AutoDetect = dir, "127.0.0.1:0", false
	srv, err := server.New(ctx, cfg, newLogger(config.Log{Level: "warn"}, s.err))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- srv.Run(ctx) }()
	defer func() {
		cancel()
		if stopped := <-served; err == nil {
			err = stopped
		}
	}()
	cl, err := rootClient(srv.Endpoint(), dir)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.out, "A server listens on %s; nothing is configured.\n", srv.Endpoint())
	for _, part := range []func(context.Context, streams, *client.Client) error{demoDocument, demoTools, demoStream} {
		if err := part(ctx, s, cl); err != nil {
			return err
		}
	}
	if err := srv.Flush(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprint(s.out, "\nThe ledger has every call:\n\n")
	return (&ledgerCmd{location: location{Data: dir}, Limit: 20}).Run(ctx, s)
}

func demoDocument(ctx context.Context, s streams, cl *client.Client) error {
	question := "Who is the escalation contact of the search team?"
	_, _ = fmt.Fprintf(s.out, "\nA question about a document\n  Q: %s\n  A: ", question)
	var resp client.ConverseResponse
	header, err := cl.Converse(ctx, demoModel, &client.ConverseRequest{Messages: []client.Message{{Role: "user", Content: []client.Block{
		{Text: &question},
		{Document: &client.Document{
			Format: "md", Name: "runbook", Source: client.Source{Bytes: []byte(demoRunbook)}, Citations: &client.CitationsConfig{Enabled: true},
		}},
	}}}}, &resp)
	if err != nil {
		return err
	}
	printAnswer(s.out, &resp)
	_, _ = fmt.Fprintf(s.out, "  (%s)\n", header.Get("x-outcrop-served-by"))
	return nil
}

const demoToolConfig = `{"tools":[{"toolSpec":{"name":"get_queue_depth","description":"Number of messages waiting in a queue",
"inputSchema":{"json":{"type":"object","properties":{"queue":{"type":"string","description":"Name of the queue"}},"required":["queue"]}}}}]}`

func demoTools(ctx context.Context, s streams, cl *client.Client) error {
	question := `How many messages wait in the queue "orders-eu"?`
	_, _ = fmt.Fprintf(s.out, "\nA tool loop\n  Q: %s\n", question)
	req := &client.ConverseRequest{
		Messages:   []client.Message{{Role: "user", Content: []client.Block{{Text: &question}}}},
		ToolConfig: json.RawMessage(demoToolConfig),
	}
	var resp client.ConverseResponse
	if _, err := cl.Converse(ctx, demoModel, req, &resp); err != nil {
		return err
	}
	var results []client.Block
	for _, b := range resp.Output.Message.Content {
		if b.ToolUse == nil {
			continue
		}
		_, _ = fmt.Fprintf(s.out, "  the model calls %s(%s)\n", b.ToolUse.Name, b.ToolUse.Input)
		results = append(results, client.Block{ToolResult: &client.ToolResult{
			ToolUseID: b.ToolUse.ToolUseID, Content: []client.ToolResultBlock{{JSON: json.RawMessage(`{"messages_waiting": 412, "oldest_seconds": 37}`)}},
		}})
	}
	if len(results) == 0 {
		return fmt.Errorf("the model called no tool (stop reason %s)", resp.StopReason)
	}
	req.Messages = append(req.Messages, resp.Output.Message, client.Message{Role: "user", Content: results})
	resp = client.ConverseResponse{}
	if _, err := cl.Converse(ctx, demoModel, req, &resp); err != nil {
		return err
	}
	_, _ = fmt.Fprint(s.out, "  A: ")
	printAnswer(s.out, &resp)
	return nil
}

func demoStream(ctx context.Context, s streams, cl *client.Client) error {
	question, system := "What should be done when a rebuild fails?", demoRunbook
	_, _ = fmt.Fprintf(s.out, "\nA stream, through an inference profile\n  Q: %s\n  A: ", question)
	req := &client.ConverseRequest{
		System:   []client.Block{{Text: &system}},
		Messages: []client.Message{{Role: "user", Content: []client.Block{{Text: &question}}}},
	}
	var pieces int
	for e, err := range cl.ConverseStream(ctx, "us."+demoModel, req) {
		if err != nil {
			return err
		}
		var p client.StreamPayload
		if err := json.Unmarshal(e.Payload, &p); err != nil {
			return err
		}
		if p.Delta.Text != "" {
			pieces++
			_, _ = fmt.Fprint(s.out, strings.ReplaceAll(p.Delta.Text, "\n", "\n     "))
		}
	}
	_, _ = fmt.Fprintf(s.out, "\n  (in %d pieces)\n", pieces)
	return nil
}

// rootClient returns a client with the root key of a data folder.
func rootClient(endpoint, dir string) (*client.Client, error) {
	key, err := readRootKey(filepath.Clean(dir))
	if err != nil {
		return nil, err
	}
	return &client.Client{Endpoint: endpoint, Region: config.Default().DefaultRegion, Credentials: key}, nil
}
