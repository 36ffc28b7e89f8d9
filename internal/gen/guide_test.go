package gen_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/gen"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
)

// request is a request that a block of the guide sends.
type request struct {
	Script, Service, Operation string

	Input map[string]any
	Argv  []string // of the command line, in place of Input
}

// slips are mistakes of the guide itself: what AWS refuses too, put right.
func slips(r *request) {
	if v, ok := r.Input["blockedOutputMessaging"]; ok {
		delete(r.Input, "blockedOutputMessaging")
		r.Input["blockedOutputsMessaging"] = v
	}
	if r.Input["dataSourceId"] == "data-source-id" { // stands for the ID made before
		r.Input["dataSourceId"] = "DS12345678"
	}
}

// TestGuide runs what the guide's blocks send through validation.
func TestGuide(t *testing.T) {
	t.Parallel()
	blocks, err := filepath.Glob(filepath.Join(sharedtest.Path(t, "guide", "blocks"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	requests := append(record(t, blocks), policies(t, blocks)...)
	scripts := map[string]bool{}
	for _, r := range requests {
		scripts[r.Script] = true
		op := findOperation(t, r)
		if op == nil {
			continue
		}
		if r.Argv != nil {
			r.Input = parseArgs(t, op.Input, r.Argv)
		}
		slips(&r)
		params, err := json.Marshal(r.Input)
		if err != nil {
			t.Fatal(err)
		}
		in := smithytest.New(op.Input)
		if err := in.SetParams(params); err != nil {
			t.Errorf("%s: %s: %v", r.Script, op.Name, err)
			continue
		}
		if err := smithy.ReadValid(smithytest.NewReader(in), op.NewInput()); err != nil {
			t.Errorf("%s: %s: %v", r.Script, op.Name, err)
		}
	}
	for _, b := range blocks {
		if !scripts[filepath.Base(b)] {
			t.Errorf("%s sent nothing", filepath.Base(b))
		}
	}
}

// record runs the blocks with clients that only write down what they are asked.
func record(t *testing.T, blocks []string) []request {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3, which the guide's blocks are written in")
	}
	args := append([]string{filepath.Join("testdata", "record.py")}, blocks...)
	out, err := exec.CommandContext(t.Context(), python, args...).Output()
	if err != nil {
		t.Fatalf("record.py: %v", err)
	}
	var requests []request
	if err := json.Unmarshal(out, &requests); err != nil {
		t.Fatal(err)
	}
	return requests
}

// policies makes a request of each policy document among the blocks.
func policies(t *testing.T, blocks []string) []request {
	t.Helper()
	var out []request
	for _, b := range blocks {
		if filepath.Ext(b) != ".json" {
			continue
		}
		text, err := os.ReadFile(b)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, request{
			Script: filepath.Base(b), Service: "iam", Operation: "createpolicy",
			Input: map[string]any{"PolicyName": "guide", "PolicyDocument": string(text)},
		})
	}
	return out
}

func findOperation(t *testing.T, r request) *smithy.Operation {
	t.Helper()
	service := r.Service
	if service == "cloudwatch" { // as clients call it
		service = "monitoring"
	}
	for _, svc := range gen.Models() {
		for _, op := range svc.Operations {
			if svc.Name == service && strings.ToLower(op.Name) == r.Operation {
				return op
			}
		}
	}
	t.Errorf("%s: %s has no operation %s", r.Script, r.Service, r.Operation)
	return nil
}

// parseArgs makes parameters of the command line's options.
func parseArgs(t *testing.T, s *smithy.Schema, argv []string) map[string]any {
	t.Helper()
	out := map[string]any{}
	for i := 0; i < len(argv); {
		option := argv[i]
		name := strings.ReplaceAll(strings.TrimPrefix(option, "--"), "-", "")
		end := i + 1
		for end < len(argv) && !strings.HasPrefix(argv[end], "--") {
			end++
		}
		values := argv[i+1 : end]
		i = end
		if name == "query" || name == "output" { // of the tool itself
			continue
		}
		m := slices.IndexFunc(s.Members, func(m smithy.Member) bool { return strings.ToLower(m.Name) == name })
		if m < 0 {
			t.Errorf("no member for option %s", option)
			continue
		}
		v, err := parseArg(s.Members[m].Schema, values)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		out[s.Members[m].Name] = v
	}
	return out
}

func parseArg(s *smithy.Schema, values []string) (any, error) {
	first := values[0]
	switch {
	case strings.HasPrefix(first, "{"), strings.HasPrefix(first, "["):
		return json.RawMessage(first), nil
	case s.Type == smithy.List:
		var out []any
		for _, v := range values {
			e, err := parseArg(s.Members[0].Schema, []string{v})
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
		return out, nil
	case s.Type == smithy.Structure: // Name=A,Value=B
		out := map[string]any{}
		for pair := range strings.SplitSeq(first, ",") {
			k, v, _ := strings.Cut(pair, "=")
			out[k] = v
		}
		return out, nil
	case s.Type == smithy.Timestamp:
		at, err := time.Parse("2006-01-02T15:04:05", first)
		return at.Unix(), err
	case s.Type == smithy.String, s.Type == smithy.Enum:
		return first, nil
	default:
		var n json.Number
		err := json.Unmarshal([]byte(first), &n)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", first, err)
		}
		return n, nil
	}
}
