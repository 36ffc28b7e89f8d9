package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

type toolRow struct {
	ID       string
	Category string
	Messages []struct{ Role, Content string }
	Tools    []struct {
		Name, Description string
		Parameters        map[string]any
	}
	GroundTruth []map[string]map[string][]any `json:"ground_truth"`
}

// toolScore sums over rows.
type toolScore struct {
	n                           int
	tools, picked, calls, exact float64
	args, argsN                 float64
}

// toolcalls asks for calls as the Berkeley function-calling leaderboard does.
//
// tools: the right set of tools was called; picked: that, or the reply asks for what
// one of them needs; calls: each as often as it should be;
// args: the share of the expected arguments that are right, of all rows that expect
// a call; exact: every call as it should be. For rows without a fitting tool all
// but args are right when nothing is called.
func toolcalls(ctx context.Context, dir string, subjects []subject, failures *os.File) error {
	rows, err := readLines[toolRow](filepath.Join(dir, "toolcall", "toolcall.dev.jsonl"))
	if err != nil {
		return err
	}
	if rows, err = unheld(dir, rows, func(r toolRow) string { return r.Messages[len(r.Messages)-1].Content }); err != nil {
		return err
	}
	fmt.Printf("\nTool calls: BFCL (dev), %d rows\n", len(rows))
	fmt.Printf("%-14s %-18s %6s %8s %8s %8s %8s %8s\n", "model", "category", "rows", "tools", "picked", "calls", "args", "exact")
	for _, s := range subjects {
		by := map[string]*toolScore{}
		all := &toolScore{}
		for _, row := range rows {
			got, reply, err := askTools(ctx, s.model, row)
			if err != nil {
				return fmt.Errorf("%s: %w", row.ID, err)
			}
			score := judge(row, got)
			score.picked = max(score.tools, asksFor(row, got, reply))
			if by[row.Category] == nil {
				by[row.Category] = &toolScore{}
			}
			by[row.Category].add(score)
			all.add(score)
			if s.name == subjects[0].name && score.exact == 0 {
				want, _ := json.Marshal(row.GroundTruth)
				have, _ := json.Marshal(got)
				note(failures, "%s %s tools=%v calls=%v args=%v/%v\n  U: %s\n  want: %s\n  got:  %s\n  said: %s\n", row.Category, row.ID, score.tools, score.calls, score.args, score.argsN, row.Messages[len(row.Messages)-1].Content, want, have, reply)
			}
		}
		for _, c := range slices.Sorted(maps.Keys(by)) {
			by[c].print(s.name, c)
		}
		all.print(s.name, "all")
	}
	return nil
}

func (s *toolScore) add(o toolScore) {
	s.n += o.n
	s.tools += o.tools
	s.picked += o.picked
	s.calls += o.calls
	s.exact += o.exact
	s.args += o.args
	s.argsN += o.argsN
}

func (s *toolScore) print(model, category string) {
	n := float64(s.n)
	args := "-"
	if s.argsN > 0 {
		args = fmt.Sprintf("%.3f", s.args/s.argsN)
	}
	fmt.Printf("%-14s %-18s %6d %8.3f %8.3f %8.3f %8s %8.3f\n", model, category, s.n, s.tools/n, s.picked/n, s.calls/n, args, s.exact/n)
}

type call struct {
	Name string
	Args map[string]any
}

func askTools(ctx context.Context, m llm.ChatModel, row toolRow) ([]call, string, error) {
	req := &llm.ChatRequest{}
	for _, msg := range row.Messages {
		b := &llm.Text{Text: msg.Content}
		switch msg.Role {
		case "system":
			req.System = append(req.System, b)
		case "assistant":
			req.Messages = append(req.Messages, llm.Message{Role: llm.Assistant, Content: []llm.Block{b}})
		default:
			req.Messages = append(req.Messages, llm.Message{Role: llm.User, Content: []llm.Block{b}})
		}
	}
	for _, t := range row.Tools {
		schema, err := json.Marshal(jsonSchema(t.Parameters))
		if err != nil {
			return nil, "", err
		}
		req.Tools = append(req.Tools, llm.Tool{Name: toolName(t.Name), Description: t.Description, InputSchema: schema})
	}
	resp, err := llm.Collect(m.Chat(ctx, req))
	if err != nil {
		return nil, "", err
	}
	var calls []call
	var reply strings.Builder
	for _, b := range resp.Message.Content {
		switch b := b.(type) {
		case *llm.ToolUse:
			c := call{Name: b.Name}
			if err := json.Unmarshal(b.Input, &c.Args); err != nil {
				return nil, "", err
			}
			calls = append(calls, c)
		case *llm.Text:
			reply.WriteString(b.Text)
		}
	}
	return calls, reply.String(), nil
}

// toolName is a name that Converse accepts.
func toolName(s string) string { return strings.ReplaceAll(s, ".", "_") }

// jsonSchema turns the leaderboard's types into JSON Schema's.
func jsonSchema(v map[string]any) map[string]any {
	out := map[string]any{}
	for k, x := range v {
		switch x := x.(type) {
		case map[string]any:
			if k == "properties" {
				props := map[string]any{}
				for name, p := range x {
					if p, ok := p.(map[string]any); ok {
						props[name] = jsonSchema(p)
					}
				}
				out[k] = props
				continue
			}
			out[k] = jsonSchema(x)
		case string:
			if k == "type" {
				switch x {
				case "dict":
					x = "object"
				case "float":
					x = "number"
				case "tuple":
					x = "array"
				case "any":
					continue
				}
			}
			out[k] = x
		default:
			out[k] = x
		}
	}
	return out
}

func judge(row toolRow, got []call) toolScore {
	s := toolScore{n: 1}
	if row.Category == "live_relevance" {
		if len(got) > 0 {
			s.tools, s.calls, s.exact = 1, 1, 1
		}
		return s
	}
	var want, have []string
	for _, g := range row.GroundTruth {
		for name := range g {
			want = append(want, toolName(name))
		}
	}
	for _, c := range got {
		have = append(have, c.Name)
	}
	slices.Sort(want)
	slices.Sort(have)
	if slices.Equal(want, have) {
		s.calls = 1
	}
	if slices.Equal(slices.Compact(slices.Clone(want)), slices.Compact(slices.Clone(have))) {
		s.tools = 1
	}
	used := make([]bool, len(got))
	exact := s.calls == 1
	for _, g := range row.GroundTruth {
		for name, args := range g {
			best, bestRight, bestAll := -1, -1.0, false
			expected := 0.0
			for i, c := range got {
				if used[i] || c.Name != toolName(name) {
					continue
				}
				right, all := judgeArgs(c.Args, args)
				if right > bestRight || all && !bestAll {
					best, bestRight, bestAll = i, right, all
				}
			}
			for _, accepted := range args {
				if !optional(accepted) {
					expected++
				}
			}
			s.argsN += expected
			if best < 0 {
				exact = false
				continue
			}
			used[best] = true
			s.args += bestRight
			exact = exact && bestAll
		}
	}
	if exact {
		s.exact = 1
	}
	return s
}

// asksFor is 1 when nothing was called and the reply names a tool that should be.
func asksFor(row toolRow, got []call, reply string) float64 {
	for _, g := range row.GroundTruth {
		for name := range g {
			if len(got) == 0 && strings.HasPrefix(reply, "To call "+toolName(name)+" I need ") {
				return 1
			}
		}
	}
	return 0
}

// judgeArgs counts the arguments that must be there and are right; all reports
// whether nothing is wrong, too much or missing.
func judgeArgs(got map[string]any, want map[string][]any) (right float64, all bool) {
	all = true
	for name, accepted := range want {
		v, ok := got[name]
		good := ok && accepts(v, accepted)
		switch {
		case !ok && optional(accepted):
		case !good:
			all = false
		case !optional(accepted):
			right++
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			all = false
		}
	}
	return right, all
}

// optional reports whether an argument may be left out.
func optional(accepted []any) bool {
	for _, a := range accepted {
		if a == "" {
			return true
		}
	}
	return false
}

func accepts(v any, accepted []any) bool {
	for _, a := range accepted {
		if same(v, a) {
			return true
		}
	}
	return false
}

// same compares as the leaderboard does: text without case, spaces and marks; the
// members of an expected object are lists of accepted values.
func same(v, want any) bool {
	switch want := want.(type) {
	case string:
		s, ok := v.(string)
		return ok && standard(s) == standard(want)
	case float64:
		f, ok := v.(float64)
		return ok && (f == want || math.Abs(f-want) < 1e-9*math.Abs(want))
	case []any:
		list, ok := v.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range list {
			if !same(list[i], want[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		m, ok := v.(map[string]any)
		if !ok {
			return false
		}
		for name, x := range want {
			accepted, isList := x.([]any)
			if !isList {
				accepted = []any{x}
			}
			value, there := m[name]
			if !there && !optional(accepted) || there && !accepts(value, accepted) {
				return false
			}
		}
		for name := range m {
			if _, ok := want[name]; !ok {
				return false
			}
		}
		return true
	default:
		return v == want
	}
}

func standard(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(` ,./-_*^`, r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
	return strings.ReplaceAll(s, "'", `"`)
}
