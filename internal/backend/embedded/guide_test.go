package embedded

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

var metricTools = []llm.Tool{
	{Name: "get_ec2_instances", Description: "Retrieves a list of EC2 instances with their current state", InputSchema: json.RawMessage(`{"type":"object","properties":{"region":{"type":"string","description":"AWS region (e.g., us-east-1)"},"state":{"type":"string","enum":["running","stopped","terminated"],"description":"Filter by instance state"}},"required":["region"]}`)},
	{Name: "get_cloudwatch_metric", Description: "Gets CloudWatch metric statistics for a resource", InputSchema: json.RawMessage(`{"type":"object","properties":{"namespace":{"type":"string"},"metric_name":{"type":"string"},"instance_id":{"type":"string"},"period_hours":{"type":"integer","default":1}},"required":["namespace","metric_name","instance_id"]}`)},
}

func user(blocks ...llm.Block) llm.Message { return llm.Message{Role: llm.User, Content: blocks} }

func chat(t *testing.T, req *llm.ChatRequest) *llm.ChatResponse {
	t.Helper()
	resp, err := llm.Collect((&Reader{}).Chat(t.Context(), req))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestToolLoop(t *testing.T) {
	t.Parallel()
	ask := user(&llm.Text{Text: "What is the CPU utilization of instance i-0abc123def456 in us-east-1?"})
	resp := chat(t, &llm.ChatRequest{Messages: []llm.Message{ask}, Tools: metricTools})
	if resp.StopReason != llm.StopToolUse || len(resp.Message.Content) != 1 {
		t.Fatalf("stop reason %q with %+v, want one tool use", resp.StopReason, resp.Message.Content[0])
	}
	use := resp.Message.Content[0].(*llm.ToolUse)
	if diff := cmp.Diff(use.Name+string(use.Input), `get_cloudwatch_metric{"namespace":"AWS/EC2","metric_name":"CPUUtilization","instance_id":"i-0abc123def456"}`); diff != "" {
		t.Errorf("call (-got +want):\n%s", diff)
	}
	resp = chat(t, &llm.ChatRequest{Tools: metricTools, Messages: []llm.Message{
		user(&llm.Text{Text: "What is the CPU utilization of instance i-0abc123def456?"}),
		{Role: llm.Assistant, Content: resp.Message.Content},
		user(&llm.ToolResult{ToolUseID: use.ID, Content: []llm.Block{&llm.JSON{Value: json.RawMessage(`{"cpu_utilization": 42.5, "period": "last_hour"}`)}}}),
	}})
	want := "The CPU utilization of instance i-0abc123def456 is 42.5 (period: last hour)."
	if got := resp.Message.Content[0].(*llm.Text).Text; got != want || resp.StopReason != llm.EndTurn {
		t.Errorf("reply = %q (%s), want %q", got, resp.StopReason, want)
	}
}
