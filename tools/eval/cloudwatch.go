package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

//go:embed testdata/cloudwatch_tools.json
var cloudwatchTools []byte

//go:embed testdata/cloudwatch.jsonl
var cloudwatchAsks string

type cloudwatchRow struct {
	Ask  string
	Want []struct {
		Name string
		Args map[string]any
	}
}

// cloudwatch asks twenty questions of the reader's own field, which are part of the
// project: does it call the right tool with exactly the right arguments?
func cloudwatch(ctx context.Context, _ string, subjects []subject, failures *os.File) error {
	var specs []struct {
		Name, Description string
		Schema            json.RawMessage
	}
	if err := json.Unmarshal(cloudwatchTools, &specs); err != nil {
		return err
	}
	var tools []llm.Tool
	for _, s := range specs {
		tools = append(tools, llm.Tool{Name: s.Name, Description: s.Description, InputSchema: s.Schema})
	}
	fmt.Printf("\nTool calls: AWS questions of our own\n%-14s %6s %8s %8s\n", "model", "rows", "tools", "exact")
	for _, s := range subjects {
		n, right, exact := 0, 0, 0
		for line := range strings.Lines(cloudwatchAsks) {
			var row cloudwatchRow
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				return err
			}
			n++
			got, err := askCloudwatch(ctx, s.model, tools, row.Ask)
			if err != nil {
				return fmt.Errorf("%q: %w", row.Ask, err)
			}
			sameTools, sameAll := len(got) == len(row.Want), len(got) == len(row.Want)
			for i := 0; i < len(got) && i < len(row.Want); i++ {
				sameTools = sameTools && got[i].Name == row.Want[i].Name
				sameAll = sameAll && sameTools && reflect.DeepEqual(got[i].Args, row.Want[i].Args)
			}
			if sameTools {
				right++
			}
			if sameAll {
				exact++
			} else if s.name == subjects[0].name {
				note(failures, "cloudwatch %s\n  want: %v\n  got:  %v\n", row.Ask, row.Want, got)
			}
		}
		fmt.Printf("%-14s %6d %8.3f %8.3f\n", s.name, n, float64(right)/float64(n), float64(exact)/float64(n))
	}
	return nil
}

func askCloudwatch(ctx context.Context, m llm.ChatModel, tools []llm.Tool, ask string) ([]call, error) {
	resp, err := llm.Collect(m.Chat(ctx, &llm.ChatRequest{
		Messages: []llm.Message{{Role: llm.User, Content: []llm.Block{&llm.Text{Text: ask}}}},
		Tools:    tools,
	}))
	if err != nil {
		return nil, err
	}
	var calls []call
	for _, b := range resp.Message.Content {
		u, ok := b.(*llm.ToolUse)
		if !ok {
			continue
		}
		c := call{Name: u.Name}
		if err := json.Unmarshal(u.Input, &c.Args); err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
	return calls, nil
}
